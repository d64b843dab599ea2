using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning.Training;

public sealed class TimedPiecesTests
{
    private const double Window = 5;

    [Fact]
    public void Of_AShortSound_GivesItAloneAndSomewhereInAWindow()
    {
        var pieces = TimedPieces.Of([new TimedLabel("day", "dog", 20, 21), new TimedLabel("day", "cat", 20.9, 30)], 60, Window, 1);

        Assert.Equal((20, 21), (pieces[0].Begin, pieces[0].End));
        Assert.Equal(["dog"], pieces[0].Labels); // a tenth of a second of the cat is not heard
        Assert.Equal(Window, pieces[1].End - pieces[1].Begin, 1e-9);
        var dog = pieces[1].Times.Single(t => t.Label == "dog");
        Assert.Equal(20 - pieces[1].Begin, dog.Onset, 1e-9);
        Assert.Equal(21 - pieces[1].Begin, dog.Offset, 1e-9);
    }

    [Fact]
    public void Of_ALongSound_GivesBothOfItsEnds()
    {
        var pieces = TimedPieces.Of([new TimedLabel("day", "rain", 20, 50)], 60, Window, 1);

        Assert.Contains(pieces, p => p.Begin < 20 && p.End > 20.2 && p.Labels.Count == 1);
        Assert.Contains(pieces, p => p.Begin < 49.8 && p.End > 50 && p.Labels.Count == 1);
    }

    [Fact]
    public void Of_SoundsCloseTogether_TakesWhatIsBetweenAllOfThem()
    {
        var pieces = TimedPieces.Of(
            [.. Enumerable.Range(0, 5).Select(i => new TimedLabel("day", "dog", 3 * i, (3 * i) + 1))], 15, Window, 1);
        Assert.Equal([1.25, 4.25, 7.25, 10.25, 13.25], pieces.Where(p => p.Labels.Count == 0).Select(p => p.Begin));
    }

    [Fact]
    public void Of_SoundsAtTheEndAndPoints_AreNotTakenForNothing()
    {
        var pieces = TimedPieces.Of(
            [new TimedLabel("day", "dog", 10, 10), new TimedLabel("day", "cat", 19.85, 20.2)], 20, Window, 1);

        Assert.All(pieces.Where(p => p.Labels.Count == 0), p => Assert.True(p.End <= 9.75 || (p.Begin >= 10.25 && p.End <= 19.6)));
        Assert.Equal(2, pieces.Count(p => p.Labels is ["cat"]));
    }

    [Fact]
    public void Of_NothingSounds_GivesAFewPiecesOfNothing()
    {
        var pieces = TimedPieces.Of([], 3600, Window, 1);

        Assert.Equal(10, pieces.Count);
        Assert.All(pieces, p => Assert.Empty(p.Labels));
        Assert.True(pieces[^1].Begin > 3000); // from all of it
    }

    [Property]
    public Property Of_AnyEvents_HearsEachOfThemAndNothingWhereNothingIs()
    {
        var events = Gen.Choose(0, 5500).SelectMany(at => Gen.Choose(1, 1200), (at, length) => (at, length)).ListOf()
            .Select(all => all.Take(20)
                .Select((e, i) => new TimedLabel("day", $"label {i % 3}", e.at / 100.0, (e.at + e.length) / 100.0)).ToList());
        return Prop.ForAll(events.ToArbitrary(), all =>
        {
            const double length = 60;
            var pieces = TimedPieces.Of(all, length, Window, 7);
            return pieces.All(p => p.Begin >= 0 && p.End <= length && p.Begin < p.End && p.End - p.Begin <= Window + 1e-9)
                && pieces.All(p => p.Times.All(t => t.Onset >= 0 && t.Onset < t.Offset && t.Offset <= p.End - p.Begin + 1e-9))
                && pieces.Where(p => p.Labels.Count == 0)
                    .All(p => all.All(e => e.Onset >= p.End - 1e-9 || e.Offset <= p.Begin + 1e-9))
                && all.All(e => pieces.Any(
                    p => p.Labels.Contains(e.Label) && p.Begin < e.Offset && p.End > e.Onset));
        });
    }
}
