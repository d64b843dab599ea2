using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Tests.Events;

/// <summary>Two labels, windows of 50,000 samples; times in thousands of samples.</summary>
public class SegmentDecoderTests
{
    private const ActivityProgress Early = ActivityProgress.Early;
    private const ActivityProgress Whole = ActivityProgress.Whole;
    private const ActivityProgress Over = ActivityProgress.Over;

    [Fact]
    public void Push_PartThatIsOver_IsTheGeometricMeanOfItselfAndItsWindows()
    {
        // 0.9 alone, 0.4 in the window: 0.6. The other label has 0.9 in the window and 0.1 alone: 0.3.
        var trial = new Trial().Window(20, 0, 0).Part(100, 110, Early, 0.1f, 0.1f).Window(70, 0.4f, 0.9f).Part(100, 130, Over, 0.9f, 0.1f);

        Assert.Equal(["o a 100-130 0.60"], trial.Events);
        Assert.Equal(["o a 100-130 0.60", "c a 100-130 0.60"], trial.Flush(131).Events);
    }

    [Fact]
    public void Push_WindowsOfAPart_CountByTheSquareOfWhatTheyHaveOfIt()
    {
        // The first window has 10 of the part, the second 30: (1·0.9 + 9·0.1) / 10 = 0.18; under the mean of 0.5.
        var trial = new Trial().Window(20, 0, 0).Part(100, 110, Early, 0.1f, 0.1f).Window(60, 0.9f, 0).Window(80, 0.1f, 0)
            .Part(100, 130, Over);

        Assert.Empty(trial.Flush(200).Events);
    }

    [Fact]
    public void Push_PartWithoutWindows_IsItselfAlone() =>
        Assert.Equal(["o b 100-104 0.70"], new Trial().Part(100, 104, Over, 0.2f, 0.7f).Events);

    [Fact]
    public void Push_ClearEarly_OpensAtOnceAndLastsAsLongAsItsPart()
    {
        var trial = new Trial().Part(100, 110, Early, 0.61f, 0.2f);
        Assert.Equal(["o a 100-110 0.61"], trial.Events);

        Assert.Equal("c a 100-140 0.61", trial.Part(100, 140, Over, 0.3f, 0.3f).Flush(200).Events[^1]);
    }

    [Theory]
    [InlineData(1f, 0.5f, true)]
    [InlineData(1f, 0.49f, false)]
    [InlineData(1.2f, 0.59f, false)]
    [InlineData(10f, 0.94f, false)]
    [InlineData(10f, 0.95f, true)] // that sure is sure enough
    public void Push_EarlySurety_SaysHowClearIsClear(float surety, float score, bool opens) =>
        Assert.Equal(opens, new Trial { EarlySurety = surety }.Part(100, 110, Early, score, 0).Events.Count == 1);

    [Fact]
    public void Push_NotSoClearEarly_WaitsForTheWholePart()
    {
        var trial = new Trial().Part(100, 110, Early, 0.59f, 0.58f);
        Assert.Empty(trial.Events);

        Assert.Equal(["o a 100-140 0.59", "o b 100-140 0.58"], trial.Part(100, 140, Over, 0.59f, 0.58f).Events);
    }

    [Fact]
    public void Push_PartsOfOneActivity_AreOneEventAndNeedTheReleaseThresholdOnly()
    {
        var trial = new Trial().Part(100, 150, Whole, 0.9f, 0).Part(150, 200, Whole, 0.45f, 0.45f).Part(200, 220, Over, 0.3f, 0);

        Assert.Equal(["o a 100-150 0.90", "c a 100-200 0.90"], trial.Flush(300).Events);
    }

    [Fact]
    public void Push_LabelWithAnExtent_IsAsLongAsThat()
    {
        var trial = new Trial().Part(100, 140, Over, (110, 125), 0.9f, 0.8f);

        Assert.Equal(["o a 110-125 0.90", "o b 100-140 0.80", "c a 110-125 0.90", "c b 100-140 0.80"], trial.Flush(300).Events);
    }

    [Fact]
    public void Push_ClearEarlyWithAnExtent_BeginsAndEndsWithIt()
    {
        var trial = new Trial().Part(100, 120, Early, (112, 120), 0.7f, 0.2f).Part(100, 140, Over, (113, 130), 0.3f, 0.3f);

        Assert.Equal(["o a 112-120 0.70", "c a 112-130 0.70"], trial.Flush(300).Events);
    }

    [Theory]
    [InlineData(5, "c a 130-190 0.90")]
    [InlineData(20, "c a 130-190 0.90", "o a 160-190 0.70", "c a 160-190 0.70")]
    public void Push_ExtentsOfTwoParts_AreOneEventWhereTheMergeGapJoinsThem(int gap, params string[] events)
    {
        var trial = new Trial { MergeGap = 12 }.Part(100, 150, Whole, (130, 145), 0.9f, 0).Part(150, 200, Over, (140 + gap, 190), 0.7f, 0);

        string[] expected = events.Length == 1 ? ["o a 130-145 0.90", .. events]
            : ["o a 130-145 0.90", "c a 130-145 0.90", .. events[1..]];
        Assert.Equal(expected, trial.Flush(300).Events);
    }

    [Fact]
    public void Push_EndInTheGapOfTheLastPart_EndsThere()
    {
        var trial = new Trial().Part(100, 150, Whole, 0.9f, 0).Part(150, 148, Over);

        Assert.Equal("c a 100-148 0.90", trial.Flush(300).Events[^1]);
    }

    [Fact]
    public void Push_ActivitiesWithinTheMergeGap_AreOneEvent()
    {
        Assert.Equal(
            ["o a 100-110 0.90", "c a 100-136 0.90"],
            new Trial { MergeGap = 16 }.Part(100, 110, Over, 0.9f, 0).Part(126, 136, Over, 0.9f, 0).Flush(300).Events);
        Assert.Equal(
            4, new Trial { MergeGap = 15 }.Part(100, 110, Over, 0.9f, 0).Part(126, 136, Over, 0.9f, 0).Flush(300).Events.Count);
    }

    [Fact]
    public void Push_TimeGoesOnWithoutASound_ClosesWhatIsOver()
    {
        var trial = new Trial { MergeGap = 16 }.Part(100, 110, Over, 0.9f, 0).Window(88, 0, 0);
        Assert.Single(trial.Events); // an activity may have begun at 126, and be known 12.8 later

        Assert.Equal(2, trial.Window(90, 0, 0).Events.Count);
    }

    [Fact]
    public void Push_ActivityUnderWayWithinTheMergeGap_KeepsTheEventOpen()
    {
        var trial = new Trial { MergeGap = 16 }.Part(100, 110, Over, 0.9f, 0).Part(126, 136, Early, 0.1f, 0.1f).Window(150, 0.9f, 0);
        Assert.Single(trial.Events);

        Assert.Equal("c a 100-190 0.90", trial.Part(126, 190, Over, 0.9f, 0).Flush(300).Events[^1]);
    }

    [Fact]
    public void Push_EndOfAnActivityThatWasLost_NextOneBeginsByItself()
    {
        // The window of the first activity must not name the second.
        var trial = new Trial().Window(20, 0, 0).Part(100, 110, Early, 0.1f, 0.1f).Window(70, 0.9f, 0).Part(300, 310, Over, 0.4f, 0.1f);

        Assert.Empty(trial.Events);
    }

    [Fact]
    public void Push_LongerThanMaximum_ClosesAndGoesOnAsAnother()
    {
        var trial = new Trial { MaxDuration = 60 };
        for (var start = 100; start < 200; start += 50)
            trial.Part(start, start + 50, Whole, 0.9f, 0);

        Assert.Equal(
            ["o a 100-150 0.90", "c a 100-150 0.90", "o a 150-200 0.90", "c a 150-200 0.90"], trial.Flush(300).Events);
    }

    [Fact]
    public void Push_ShorterThanMinimum_IsDroppedWithoutATrace()
    {
        Assert.Empty(new Trial { MinDuration = 11 }.Part(100, 110, Over, 0.9f, 0).Flush(300).Events);
        Assert.Equal(2, new Trial { MinDuration = 10 }.Part(100, 110, Over, 0.9f, 0).Flush(300).Events.Count);
    }

    [Fact]
    public void Push_SteadyInAllWindows_IsAnEventFromEndToEnd()
    {
        var trial = new Trial();
        for (var start = 0; start <= 150; start += 25)
            trial.Window(start, 0.9f, 0);

        Assert.Equal("c a 0-200 0.90", trial.Flush(200).Events[^1]);
    }

    [Fact]
    public void Push_LabelOfAFewWindowsThatNoActivityExplains_IsNoEvent()
    {
        var trial = new Trial();
        for (var start = 0; start <= 350; start += 25)
            trial.Window(start, start is >= 100 and <= 175 ? 0.9f : 0, 0);

        Assert.Empty(trial.Flush(400).Events);
    }

    [Fact]
    public void Push_SteadyAfterAnActivityOfTheLabel_IsNotReportedAgain()
    {
        var trial = new Trial();
        for (var start = 0; start <= 350; start += 25)
        {
            if (start == 125)
                trial.Part(150, 155, Over, 0.9f, 0);
            trial.Window(start, start is >= 100 and <= 275 ? 0.9f : 0, 0);
        }

        Assert.Equal(["o a 150-155 0.90", "c a 150-155 0.90"], trial.Flush(400).Events);
    }

    [Fact]
    public void Push_ActivityOfALabelThatIsSteady_IsPartOfThat()
    {
        var trial = new Trial();
        for (var start = 0; start <= 150; start += 25)
            trial.Window(start, 0.9f, 0);

        Assert.Equal(["o a", "c a"], trial.Part(190, 195, Over, 0.9f, 0).Flush(200).Events.Select(e => e[..3]));
    }

    [Fact]
    public void Flush_BreakWithinAnActivity_DoesNotRepeatWhatWasReported()
    {
        var trial = new Trial().Part(100, 110, Early, 0.9f, 0).Flush(112).Part(100, 112, Over, 0.9f, 0).Part(140, 150, Over, 0.9f, 0);

        Assert.Equal(
            ["o a 100-110 0.90", "c a 100-110 0.90", "o a 110-112 0.90", "c a 110-112 0.90", "o a 140-150 0.90", "c a 140-150 0.90"],
            trial.Flush(200).Events);
    }

    [Fact]
    public void Reconfigure_LabelThatIsNotWanted_MakesNoEvents()
    {
        var trial = new Trial();
        trial.Decoder.Reconfigure(
            trial.Decoder.Options with { Thresholds = [float.PositiveInfinity, 0.5f], ReleaseThresholds = [float.PositiveInfinity, 0.4f] });

        Assert.Equal(["o b 100-110 0.97"], trial.Part(100, 110, Early, 0.99f, 0.97f).Part(100, 110, Over, 0.99f, 0.97f).Events);
    }

    [Fact]
    public void Restore_Anywhere_GoesOnAsTheOneThatWasSaved()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var whole = new Trial { MergeGap = 20, Seed = seed };
            var broken = new Trial { MergeGap = 20, Seed = seed };
            for (var start = 0; start < 1_000; start += 25)
            {
                whole.Random(start);
                broken.Random(start);
                broken.BreakOff();
            }

            Assert.Equal(whole.Flush(1_050).Events, broken.Flush(1_050).Events);
            Assert.NotEmpty(whole.Events);
        }
    }

    [Fact]
    public void Restore_OfAnotherModelOrCutShort_IsRefused()
    {
        var bytes = new MemoryStream();
        new Trial().Part(100, 110, Early, 0.9f, 0).Window(70, 0.9f, 0).Decoder.Save(new BinaryWriter(bytes));
        var options = new EventOptions { Thresholds = [0.5f], ReleaseThresholds = [0.4f], Timing = EventTiming.Segment };

        Assert.Throws<InvalidDataException>(() => Restore(new SegmentDecoder(options), bytes.ToArray()));
        Assert.Throws<EndOfStreamException>(() => Restore(new Trial().Decoder, bytes.ToArray()[..^1]));
        static void Restore(SegmentDecoder decoder, byte[] state) => decoder.Restore(new BinaryReader(new MemoryStream(state)));
    }

    private sealed class Trial
    {
        private const int Length = 50; // of a window

        private SegmentDecoder? _decoder;
        private Random? _random;
        private int _end; // of the last cell
        private int _part;

        public int MergeGap { get; init; }

        public int MinDuration { get; init; }

        public int MaxDuration { get; init; } = 1_000_000;

        public int Seed { get; init; }

        public float EarlySurety { get; init; } = 1.2f;

        public List<string> Events { get; } = [];

        public SegmentDecoder Decoder => _decoder ??= new SegmentDecoder(new EventOptions
        {
            Timing = EventTiming.Segment,
            Thresholds = [0.5f, 0.5f],
            ReleaseThresholds = [0.4f, 0.4f],
            MergeGap = MergeGap * 1000,
            EarlySurety = EarlySurety,
            MinDuration = MinDuration * 1000,
            MaxDuration = MaxDuration * 1000L,
        });

        public Trial Window(int start, float a, float b)
        {
            var end = start + (Length / 2) + 12;
            Decoder.Push(new WindowTime(_end * 1000, end * 1000, start * 1000, (start + Length) * 1000), [a, b], Add);
            _end = end;
            return this;
        }

        public Trial Part(int start, int end, ActivityProgress progress, params float[] scores)
        {
            Decoder.Push(new ActivityPart(start * 1000, end * 1000, progress), scores, Add);
            return this;
        }

        /// <summary>A part of which the first label has a stretch only.</summary>
        public Trial Part(int start, int end, ActivityProgress progress, (int Start, int End) a, params float[] scores)
        {
            Decoder.Push(
                new ActivityPart(start * 1000, end * 1000, progress), scores, Add,
                extents: [new LabelExtent(a.Start * 1000, a.End * 1000), new LabelExtent(start * 1000, end * 1000)]);
            return this;
        }

        public Trial Flush(int end)
        {
            Decoder.Flush(end * 1000, Add);
            return this;
        }

        /// <summary>A window and perhaps a part after it.</summary>
        public void Random(int start)
        {
            _random ??= new Random(Seed);
            Window(start, _random.NextSingle(), start > 400 ? 0.9f : _random.NextSingle());
            var now = start + Length;
            if (_random.Next(3) == 0)
            {
                var isNew = _part == 0;
                _part = isNew ? now - 20 : _part;
                var progress = isNew ? Early : _random.Next(2) == 0 ? Whole : Over;
                Part(_part, now, progress, _random.NextSingle(), _random.NextSingle());
                _part = progress == Over ? 0 : progress == Whole ? now : _part;
            }
        }

        /// <summary>Another decoder goes on.</summary>
        public void BreakOff()
        {
            var bytes = new MemoryStream();
            Decoder.Save(new BinaryWriter(bytes));
            bytes.Position = 0;
            _decoder = null;
            Decoder.Restore(new BinaryReader(bytes));
            Assert.Equal(bytes.Length, bytes.Position);
        }

        private void Add(DetectedEvent e) => Events.Add(FormattableString.Invariant(
            $"{(e.State == EventState.Opened ? 'o' : 'c')} {(char)('a' + e.Label)} {e.Onset / 1000}-{e.Offset / 1000} {e.PeakScore:0.00}"));
    }
}
