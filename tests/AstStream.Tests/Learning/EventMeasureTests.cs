using AstStream.Learning.Evaluation;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning;

/// <summary>Worked by hand after sed_eval's definitions.</summary>
public sealed class EventMeasureTests
{
    private static readonly TimedLabel[] s_reference =
    [
        new("a", "dog", 1, 2), new("a", "dog", 5, 9), new("a", "cat", 5.1, 6), new("b", "dog", 0, 10),
    ];

    [Fact]
    public void EventBased_OnsetsAndOffsets_AreNearByCollarAndLength()
    {
        TimedLabel[] estimated =
        [
            new("a", "dog", 1.2, 2.2), // both within the collar
            new("a", "dog", 5.25, 9), // the onset is 50 ms too late
            new("a", "cat", 5.0, 6.4), // the offset is 0.4 s off, within half of 0.9 s
            new("b", "dog", 0.1, 14.9), // 4.9 s off, within half of 10 s
            new("b", "dog", 0.05, 9), // the same event once more
        ];

        var measure = EventBased.Compare(s_reference, estimated, collar: 0.2000001);

        Assert.Equal(new Counts(4, 5, 3, 0), measure.Overall);
        Assert.Equal(3 / 5.0, measure.Overall.Precision, 1e-12);
        Assert.Equal(3 / 4.0, measure.Overall.Recall, 1e-12);
        Assert.Equal(2 * 0.6 * 0.75 / 1.35, measure.Overall.F1, 1e-12);
        Assert.Equal((1 + 2) / 4.0, measure.Overall.ErrorRate, 1e-12); // a deletion, two insertions
        Assert.Equal(new Counts(3, 4, 2, 0), measure.ByLabel["dog"]);
        Assert.Equal(((2 * 2 / 7.0) + 1) / 2, measure.MacroF1, 1e-12);
        Assert.Equal(4, EventBased.Compare(s_reference, estimated, collar: 0.26).Overall.Hits);

        // DCASE's share: the cat is out, and the dog of 10 s.
        Assert.Equal(2, EventBased.Compare(s_reference, estimated, collar: 0.2000001, lengthShare: 0.2).Overall.Hits);
    }

    /// <summary>The wrong label at the right time is one error, not two.</summary>
    [Fact]
    public void EventBased_WrongLabel_IsASubstitution()
    {
        var measure = EventBased.Compare(
            [new("a", "dog", 1, 2)], [new("a", "cat", 1, 2), new("a", "cow", 7, 8)], collar: 0.2);
        Assert.Equal(new Counts(1, 2, 0, 1), measure.Overall);
        Assert.Equal(2, measure.Overall.ErrorRate); // a substitution and an insertion
        Assert.Equal(new Counts(1, 0, 0, 0), measure.ByLabel["dog"]);
        Assert.Equal(0, measure.Overall.F1);
    }

    /// <summary>The first in time would take the partner of the second: as many pairs as there can be are made.</summary>
    [Fact]
    public void EventBased_CloseEvents_AreMatchedAsMuchAsCanBe()
    {
        var measure = EventBased.Compare(
            [new("a", "dog", 1.0, 2), new("a", "dog", 1.3, 2.3)], [new("a", "dog", 1.15, 2.1), new("a", "dog", 0.85, 2)], collar: 0.2);
        Assert.Equal(2, measure.Overall.Hits);
    }

    [Fact]
    public void EventBased_OnsetsAlone_LeaveOffsetsAside() => Assert.Equal(
        1, EventBased.Compare([new("a", "dog", 1, 2)], [new("a", "dog", 1, 200)], collar: 0.2, checksOffset: false).Overall.Hits);

    [Fact]
    public void SegmentBased_Seconds_AreCountedBySegmentAndLabel()
    {
        // Of a: seconds 1 | 5 to 8 (dog), 5 (cat). Of b: 0 to 9.
        TimedLabel[] estimated = [new("a", "dog", 1.9, 2.1), new("a", "cow", 5, 6), new("b", "dog", 0, 9.01)];
        var measure = SegmentBased.Compare(s_reference, estimated);

        // Hits: a 1, b 0 to 9. In a 5 cow stands for one of dog and cat; a 2 is an insertion, a 5 to 8 less one are deletions.
        Assert.Equal(new Counts(1 + 4 + 1 + 10, 2 + 1 + 10, 11, 1), measure.Overall);
        Assert.Equal((1 + 4 + 1) / 16.0, measure.Overall.ErrorRate, 1e-12);
        Assert.Equal(new Counts(15, 12, 11, 0), measure.ByLabel["dog"]);
        Assert.Equal(new Counts(0, 1, 0, 0), measure.ByLabel["cow"]);
    }

    [Property(MaxTest = 200)]
    public bool EventBased_AnyEvents_MatchesEachAtMostOnceAndPerfectOnesWholly(PositiveInt seed)
    {
        var random = new Random(seed.Get);
        TimedLabel Any() => new($"{random.Next(3)}", $"{random.Next(3)}", random.Next(100) / 10.0, 10 + (random.Next(100) / 10.0));
        TimedLabel[] reference = [.. Enumerable.Range(0, random.Next(20)).Select(_ => Any())];
        TimedLabel[] estimated = [.. Enumerable.Range(0, random.Next(20)).Select(_ => Any())];
        var measure = EventBased.Compare(reference, estimated, collar: 0.5);
        var counts = measure.Overall;
        var perfect = EventBased.Compare(reference, reference, collar: 0).Overall;
        return counts.Hits + counts.Substitutions <= Math.Min(counts.Reference, counts.Estimated)
            && measure.Hits.Count == counts.Hits
            && measure.Hits.GroupBy(h => h.Reference).All(g => g.Count() <= reference.Count(r => r == g.Key))
            && measure.ByLabel.Values.Sum(c => c.Hits) == counts.Hits
            && perfect.Hits == reference.Length
            && EventBased.Compare(reference, estimated, collar: 1).Overall.Hits >= counts.Hits;
    }
}
