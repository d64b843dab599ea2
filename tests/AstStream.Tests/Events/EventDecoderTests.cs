using AstStream.Events;
using AstStream.Events.Decoding;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Events;

public class EventDecoderTests
{
    [Fact]
    public void Push_ScoreOverThreshold_OpensAndClosesAtIntervalBounds() =>
        Assert.Equal(["o 10-20", "c 10-30"], Run(new() { Scores = [0.1f, 0.6f, 0.7f, 0.1f] }));

    [Fact]
    public void Push_ScoreBetweenReleaseAndThreshold_KeepsButDoesNotOpen()
    {
        Assert.Equal(["o 10-20", "c 10-40"], Run(new() { Scores = [0.45f, 0.6f, 0.45f, 0.45f, 0.1f], Release = 0.4f }));
        Assert.Empty(Run(new() { Scores = [0.45f, 0.49f, 0.45f], Release = 0.4f }));
    }

    [Fact]
    public void Push_MedianOfThree_DropsSpikesAndFillsHoles()
    {
        Assert.Empty(Run(new() { Scores = [0, 0, 0.9f, 0, 0], Median = 3 }));
        Assert.Equal(["o 10-20", "c 10-60"], Run(new() { Scores = [0, 0.9f, 0.9f, 0, 0.9f, 0.9f, 0, 0], Median = 3 }));
    }

    [Fact]
    public void Push_MedianAtTheEnds_RepeatsTheFirstAndLastWindow() =>
        Assert.Equal(["o 0-10", "c 0-10"], Run(new() { Scores = [0.9f], Median = 5 }));

    [Fact]
    public void Push_ShorterThanMinimum_IsDroppedWithoutATrace()
    {
        Assert.Empty(Run(new() { Scores = [0, 0.9f, 0.9f, 0], MinDuration = 21 }));
        Assert.Equal(["o 10-30", "c 10-40"], Run(new() { Scores = [0, 0.9f, 0.9f, 0.9f, 0], MinDuration = 20 }));
    }

    [Fact]
    public void Push_GapUpToMergeGap_IsBridged()
    {
        Assert.Equal(["o 0-10", "c 0-30"], Run(new() { Scores = [0.9f, 0, 0.9f, 0, 0], MergeGap = 10 }));
        Assert.Equal(["o 0-10", "c 0-10", "o 30-40", "c 30-40"], Run(new() { Scores = [0.9f, 0, 0, 0.9f, 0, 0], MergeGap = 10 }));
    }

    [Fact]
    public void Push_GapAtTheEnd_IsNotPartOfTheEvent() =>
        Assert.Equal(["o 0-10", "c 0-10"], Run(new() { Scores = [0.9f, 0], MergeGap = 100 }));

    [Fact]
    public void Push_LongerThanMaximum_ClosesAndGoesOnAsAnother() =>
        Assert.Equal(
            ["o 0-10", "c 0-20", "o 20-30", "c 20-40", "o 40-50", "c 40-50"],
            Run(new() { Scores = [0.9f, 0.9f, 0.9f, 0.9f, 0.9f, 0], MaxDuration = 20 }));

    [Fact]
    public void Push_QuietAfterMaximum_NextEventBeginsWithItsOwnSound() =>
        Assert.Equal(
            ["o 0-10", "c 0-20", "o 30-40", "c 30-40"],
            Run(new() { Scores = [0.9f, 0.9f, 0, 0.9f, 0, 0], MaxDuration = 20, MergeGap = 10 }));

    [Fact]
    public void Push_EndsExactlyAtMaximum_LeavesNoEmptyEvent() =>
        Assert.Equal(["o 0-10", "c 0-20"], Run(new() { Scores = [0.9f, 0.9f, 0, 0], MaxDuration = 20 }));

    [Fact]
    public void Flush_LaterEnd_StretchesTheLastInterval()
    {
        Assert.Equal(["o 0-10", "c 0-13"], Run(new() { Scores = [0.9f], End = 13 }));
        Assert.Equal(["o 0-10", "c 0-23"], Run(new() { Scores = [0.9f, 0.9f], End = 23, Median = 3 }));
        Assert.Equal(["o 0-10", "c 0-10"], Run(new() { Scores = [0.9f, 0], End = 23 }));
        Assert.Equal(["o 0-13", "c 0-13"], Run(new() { Scores = [0.9f], End = 13, MinDuration = 12 }));
        Assert.Equal(["o 0-10", "c 0-20", "o 20-25", "c 20-25"], Run(new() { Scores = [0.9f, 0.9f], End = 25, MaxDuration = 20 }));
    }

    [Fact]
    public void Flush_ThenPush_BeginsAnew()
    {
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(Options(new Case()));
        decoder.Push(0, 10, [0.9f], events.Add);
        decoder.Flush(10, events.Add);
        decoder.Push(500, 510, [0.9f], events.Add);
        decoder.Flush(510, events.Add);

        Assert.Equal(["o 0-10", "c 0-10", "o 500-510", "c 500-510"], events.Select(Show));
    }

    [Fact]
    public void Push_Scores_GivesPeakAndTimeWeightedMean()
    {
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(Options(new Case()));
        decoder.Push(0, 10, [0.6f], events.Add);
        decoder.Push(10, 40, [0.8f], events.Add);
        decoder.Flush(40, events.Add);

        Assert.Equal(0.8f, events[^1].PeakScore);
        Assert.Equal(0.75f, events[^1].MeanScore, 1e-6f);
    }

    [Fact]
    public void Push_ScoreThatIsNoNumber_IsSilence() => Assert.Empty(Run(new() { Scores = [float.NaN, float.NaN] }));

    [Fact]
    public void Push_HoleOverlapOrWrongClasses_Throws()
    {
        var decoder = new EventDecoder(Options(new Case()));
        decoder.Push(0, 10, [0], _ => { });

        Assert.Throws<ArgumentException>(() => decoder.Push(11, 20, [0], _ => { }));
        Assert.Throws<ArgumentException>(() => decoder.Push(9, 20, [0], _ => { }));
        Assert.Throws<ArgumentException>(() => decoder.Push(10, 10, [0], _ => { }));
        Assert.Throws<ArgumentException>(() => decoder.Push(10, 20, [0, 0], _ => { }));
    }

    [Fact]
    public void Constructor_BadOptions_NamesAllAtOnce()
    {
        var e = Assert.Throws<ArgumentException>(
            () => new EventDecoder(
            new EventOptions { Thresholds = [0.5f], ReleaseThresholds = [0.6f], MedianWindows = 2, MinDuration = -1, MaxDuration = 0 }));

        Assert.Contains("release threshold", e.Message, StringComparison.Ordinal);
        Assert.Contains("MedianWindows", e.Message, StringComparison.Ordinal);
        Assert.Contains("MinDuration", e.Message, StringComparison.Ordinal);
        Assert.Contains("MaxDuration", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Reconfigure_WiderAndNarrowerFilter_LosesNoInterval()
    {
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(Options(new Case { Median = 3 }));
        for (var i = 0; i < 40; i++)
        {
            if (i is 10 or 20 or 30)
                decoder.Reconfigure(Options(new Case { Median = i == 10 ? 7 : i == 20 ? 1 : 5 }));
            decoder.Push(i * 10, (i + 1) * 10, [i is > 5 and < 35 ? 0.9f : 0], events.Add);
        }

        decoder.Flush(400, events.Add);
        Assert.Equal(["o 60-70", "c 60-350"], events.Select(Show));
    }

    [Fact]
    public void Reconfigure_HigherThreshold_EndsWhatIsBelowIt()
    {
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(Options(new Case()));
        decoder.Push(0, 10, [0.6f], events.Add);
        decoder.Reconfigure(new EventOptions { Thresholds = [0.8f], ReleaseThresholds = [0.7f] });
        decoder.Push(10, 20, [0.6f], events.Add);

        Assert.Equal(["o 0-10", "c 0-10"], events.Select(Show));
        Assert.Throws<ArgumentException>(() => decoder.Reconfigure(new EventOptions { Thresholds = [1, 1], ReleaseThresholds = [1, 1] }));
    }

    [Property(MaxTest = 500)]
    public Property Push_AnyScores_KeepsTheLawsOfEvents() => Prop.ForAll(
        Gen.Choose(0, 10).Select(i => i / 10f).ArrayOf().ToArbitrary(),
        Gen.Elements(1, 3, 5).ToArbitrary(),
        Gen.Choose(0, 40).Two().ToArbitrary(),
        (scores, median, durations) =>
        {
            var (min, gap) = durations;
            var events = new List<DetectedEvent>();
            var decoder = new EventDecoder(
                Options(new Case { Median = median, MinDuration = min, MergeGap = gap, Release = 0.3f, MaxDuration = 100 }));
            for (var i = 0; i < scores.Length; i++)
                decoder.Push(i * 10, (i * 10) + 10, [scores[i]], events.Add);
            var end = (scores.Length * 10) + (gap % 10);
            decoder.Flush(end, events.Add);

            // Opened and closed alternate and agree; events are long enough, within the stream, and apart.
            var closed = events.Where(e => e.State == EventState.Closed).ToList();
            return events.Count == 2 * closed.Count
                && events.Select((e, i) => e.State == (i % 2 == 0 ? EventState.Opened : EventState.Closed)).All(x => x)
                && events.Chunk(2).All(p => p[0].Onset == p[1].Onset && p[0].Offset <= p[1].Offset)
                && closed.All(
                    e => e.Offset - e.Onset >= min && e.Offset - e.Onset <= 110 && e.Onset >= 0 && e.Offset <= end && e.PeakScore >= 0.3f)
                && closed.Zip(closed.Skip(1)).All(p => p.First.Offset <= p.Second.Onset);
        });

    /// <summary>
    /// A law: whoever goes on from a saved state, at any time and as often as it likes, gives what one that never stopped gives.
    /// </summary>
    [Property(MaxTest = 500)]
    public Property Restore_AfterAnyInterval_GoesOnAsIfNothingHadHappened() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        Gen.Elements(1, 3, 5, 9).ToArbitrary(),
        Gen.Choose(0, 40).Two().ToArbitrary(),
        (seed, median, durations) =>
        {
            var options = Options(
                new Case
                {
                    Median = median,
                    MinDuration = durations.Item1,
                    MergeGap = durations.Item2,
                    Release = 0.3f,
                    MaxDuration = 200
                }) with
            {
                HopLength = seed % 3 == 0 ? 0 : 10,
                Thresholds = [0.5f, 0.6f],
                ReleaseThresholds = [0.3f, 0.4f]
            };
            return Play(seed, options, savesAt: _ => false).SequenceEqual(Play(seed, options, savesAt: random => random.Next(3) == 0));
        });

    [Fact]
    public void Restore_BrokenState_Throws()
    {
        var state = Save(Played(5));
        for (var length = 0; length < state.Length; length++)
            Assert.Throws<EndOfStreamException>(() => Restored(5, state[..length]));
        Assert.Throws<InvalidDataException>(
            () => new EventDecoder(new EventOptions { Thresholds = [1, 1], ReleaseThresholds = [1, 1] })
            .Restore(new BinaryReader(new MemoryStream(state))));
        Assert.Throws<InvalidDataException>(() => Restored(5, [1, 0, 0, 0, .. BitConverter.GetBytes(int.MaxValue), .. state[8..]]));
    }

    [Theory]
    [InlineData(9, 3)]
    [InlineData(3, 9)]
    [InlineData(9, 1)]
    [InlineData(1, 9)]
    public void Restore_OtherWidthOfTheFilter_GoesOnWithItsOwn(int before, int after)
    {
        var decoder = Restored(after, Save(Played(before)));
        var events = new List<DetectedEvent>();
        for (var i = 20; i < 40; i++)
            decoder.Push(i * 10, (i * 10) + 10, [0], events.Add);
        decoder.Flush(400, events.Add);

        Assert.Equal(["c 50-200"], events.Select(Show).TakeLast(1));
    }

    /// <summary>A decoder that has heard 20 intervals, from the fifth on of sound.</summary>
    private static EventDecoder Played(int median)
    {
        var decoder = new EventDecoder(Options(new Case { Median = median }));
        for (var i = 0; i < 20; i++)
            decoder.Push(i * 10, (i * 10) + 10, [i < 5 ? 0 : 0.9f], _ => { });
        return decoder;
    }

    private static EventDecoder Restored(int median, byte[] state)
    {
        var decoder = new EventDecoder(Options(new Case { Median = median }));
        decoder.Restore(new BinaryReader(new MemoryStream(state)));
        return decoder;
    }

    private static byte[] Save(EventDecoder decoder)
    {
        var state = new MemoryStream();
        decoder.Save(new BinaryWriter(state));
        return state.ToArray();
    }

    /// <summary>Random scores in intervals of random lengths, with breaks; now and then another decoder takes over.</summary>
    private static List<DetectedEvent> Play(int seed, EventOptions options, Func<Random, bool> savesAt)
    {
        var (random, saves) = (new Random(seed), new Random(seed + 1));
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(options);
        var (at, level) = (0L, 0f);
        for (var i = 0; i < 60; i++)
        {
            var end = at + random.Next(5, 20);
            level = random.Next(3) == 0 ? random.NextSingle() : level;
            decoder.Push(at, end, [level, random.NextSingle()], events.Add, new InputRange(i, i + 2));
            at = end;
            if (savesAt(saves))
            {
                var state = Save(decoder);
                decoder = new EventDecoder(options);
                decoder.Restore(new BinaryReader(new MemoryStream(state)));
            }

            if (random.Next(15) == 0)
                decoder.Flush(at += random.Next(3), events.Add);
        }

        decoder.Flush(at + 3, events.Add);
        return events;
    }

    private static List<string> Run(Case c)
    {
        var events = new List<DetectedEvent>();
        var decoder = new EventDecoder(Options(c));
        for (var i = 0; i < c.Scores.Length; i++)
            decoder.Push(i * 10, (i * 10) + 10, [c.Scores[i]], events.Add);
        decoder.Flush(c.End ?? c.Scores.Length * 10, events.Add);
        return [.. events.Select(Show)];
    }

    private static EventOptions Options(Case c) => new()
    {
        Thresholds = [0.5f],
        ReleaseThresholds = [c.Release],
        MedianWindows = c.Median,
        MinDuration = c.MinDuration,
        MergeGap = c.MergeGap,
        MaxDuration = c.MaxDuration,
    };

    private static string Show(DetectedEvent e) => $"{(e.State == EventState.Opened ? 'o' : 'c')} {e.Onset}-{e.Offset}";

    private sealed record Case
    {
        public float[] Scores { get; init; } = [];

        public float Release { get; init; } = 0.5f;

        public int Median { get; init; } = 1;

        public long MinDuration { get; init; }

        public long MergeGap { get; init; }

        public long MaxDuration { get; init; } = long.MaxValue;

        public long? End { get; init; }
    }
}
