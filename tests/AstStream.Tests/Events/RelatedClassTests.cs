using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Tests.Events;

/// <summary>Class b stands above class a, and class c above both; where classes are alike, a and b are.</summary>
public class RelatedClassTests
{
    private readonly List<string> _events = [];

    [Theory]
    [InlineData(EventTiming.Window)]
    [InlineData(EventTiming.Contains)]
    public void Push_WindowsThatHaveAClassAndThoseAboveIt_AreTheClassAlone(EventTiming timing)
    {
        var decoder = new EventDecoder(Options(timing));
        Push(decoder, [0, 0, 0], [0.6f, 0.9f, 0.9f], [0.6f, 0.9f, 0.9f], [0, 0, 0]);

        Assert.Equal(["o a", "c a"], _events);
    }

    [Fact]
    public void Push_ClassOverItsReleaseThresholdOnly_CoversWhileItSounds()
    {
        var decoder = new EventDecoder(Options(EventTiming.Window));
        Push(decoder, [0.45f, 0.9f, 0], [0, 0, 0], [0.6f, 0, 0], [0.45f, 0.9f, 0]);

        Assert.Equal(["o b", "c b", "o a", "c a"], _events);
    }

    [Fact]
    public void Push_ParentFirst_EndsWhereTheChildBegins()
    {
        var decoder = new EventDecoder(Options(EventTiming.Window));
        Push(decoder, [0, 0.9f, 0], [0.6f, 0.9f, 0]);

        Assert.Equal(["o b", "o a", "c b", "c a"], _events);
    }

    [Fact]
    public void Push_ChildThatIsNotWanted_CoversNothing()
    {
        var options = Options(EventTiming.Window) with
        {
            Thresholds = [float.PositiveInfinity, 0.5f, 0.5f],
            ReleaseThresholds = [float.PositiveInfinity, 0.4f, 0.4f]
        };
        Push(new EventDecoder(options), [0.99f, 0.9f, 0]);
        var segments = new SegmentDecoder(options with { Timing = EventTiming.Segment });
        segments.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [0.99f, 0.9f, 0], Add);
        Assert.Equal(["o b", "c b", "o b"], _events);
        segments.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [0.99f, 0.9f, 0], Add);
        segments.Flush(30_000, Add);

        Assert.Equal(["o b", "c b", "o b", "c b"], _events);
    }

    [Fact]
    public void Push_NoAncestors_EachClassIsAnEvent()
    {
        Push(new EventDecoder(Options(EventTiming.Window) with { Ancestors = [] }), [0.6f, 0.9f, 0.9f]);

        Assert.Equal(["o a", "o b", "o c", "c a", "c b", "c c"], _events);
    }

    [Fact]
    public void Push_PartThatHasAClassAndThoseAboveIt_IsTheClassAlone()
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [0.6f, 0.9f, 0.9f], Add);
        decoder.Flush(30_000, Add);

        Assert.Equal(["o a", "c a"], _events);
    }

    [Fact]
    public void Push_ClearEarly_OpensTheLowestClassThatIsClear()
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [0.55f, 0.7f, 0.99f], Add);

        Assert.Equal(["o b"], _events);
    }

    [Theory]
    [InlineData(0.51f, false)]
    [InlineData(1f, true)]
    public void Push_EarlySuretyOfAClass_IsItsOwn(float other, bool opens)
    {
        var events = new List<DetectedEvent>();
        var decoder = new SegmentDecoder(new EventOptions
        {
            Timing = EventTiming.Segment,
            Thresholds = [0.5f, 0.5f],
            ReleaseThresholds = [0.4f, 0.4f],
            EarlySurety = 9,
            EarlySureties = [9, other],
        });

        decoder.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [0.9f, opens ? 0.5f : 0.25f], events.Add);

        Assert.Equal(opens ? [1] : [], events.Select(e => e.Label));
    }

    [Fact]
    public void Push_ParentClearEarlyAndChildAtTheEnd_BothAreThereAndTheParentIsShort()
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [0.3f, 0.7f, 0], Add);
        decoder.Push(new ActivityPart(0, 40_000, ActivityProgress.Over), [0.8f, 0.9f, 0], e => _events.Add(Text(e) + $" {e.Offset}"));
        decoder.Flush(50_000, e => _events.Add(Text(e) + $" {e.Offset}"));

        Assert.Equal(["o b", "o a 40000", "c b 10000", "c a 40000"], _events);
    }

    [Fact]
    public void Push_ClassesThatMeanTheSame_AreTheSurest()
    {
        Push(new EventDecoder(Alike(EventTiming.Window)), [0.7f, 0.6f, 0.6f]); // b is surer: its threshold is lower

        Assert.Equal(["o b", "o c", "c b", "c c"], _events);
    }

    [Fact]
    public void Push_ClassThatIsUnderWay_StaysWhereOneThatMeansTheSameIsSurer()
    {
        Push(new EventDecoder(Alike(EventTiming.Window)), [0.7f, 0.3f, 0], [0.6f, 0.9f, 0], [0.1f, 0.9f, 0]);

        Assert.Equal(["o a", "c a", "o b", "c b"], _events);
    }

    [Fact]
    public void Push_PartOfClassesThatMeanTheSame_IsTheSurestAndTheEarlyOneWhereItHolds()
    {
        var decoder = new SegmentDecoder(Alike(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [0.7f, 0.6f, 0], Add);
        decoder.Flush(30_000, Add);
        decoder.Push(new ActivityPart(40_000, 50_000, ActivityProgress.Early), [0.9f, 0.2f, 0], Add);
        decoder.Push(new ActivityPart(40_000, 60_000, ActivityProgress.Over), [0.6f, 0.9f, 0], Add);
        decoder.Flush(70_000, Add);

        Assert.Equal(["o b", "c b", "o a", "c a"], _events);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Push_WindowsThatHaveWhatAnActivityIsForLong_AreNoEventBeside(bool isParent)
    {
        // All windows have b. An activity in them is a, which stands for b.
        var decoder = new SegmentDecoder(isParent ? Options(EventTiming.Segment) : Alike(EventTiming.Segment));
        decoder.Push(new ActivityPart(1_000, 90_000, ActivityProgress.Whole), [0.9f, 0.2f, 0], Add);
        for (var i = 0; i < 12; i++)
            decoder.Push(new WindowTime(10_000 * i, 10_000 * (i + 1), (10_000 * i) - 20_000, (10_000 * i) + 30_000), [0.3f, 0.9f, 0], Add);
        decoder.Push(new ActivityPart(90_000, 130_000, ActivityProgress.Over), [0.9f, 0.2f, 0], Add);
        decoder.Flush(140_000, Add);

        Assert.DoesNotContain("o b", _events);
        Assert.Contains("o a", _events);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void Validate_AncestorsThatDoNotFit_Throws(int classes) =>
        Assert.Contains(
            "lists of ancestors", Assert.Throws<ArgumentException>(() => new EventDecoder(
                Options(EventTiming.Window) with { Ancestors = [.. Enumerable.Repeat((int[])[], classes)] })).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Validate_AncestorThatIsNoClass_Throws() =>
        Assert.Contains("one of the ancestors is no class", Assert.Throws<ArgumentException>(() => new EventDecoder(
            Options(EventTiming.Window) with { Ancestors = [[], [3], []] })).Message, StringComparison.Ordinal);

    private static EventOptions Options(EventTiming timing) => new()
    {
        Timing = timing,
        Thresholds = [0.5f, 0.5f, 0.5f],
        ReleaseThresholds = [0.4f, 0.4f, 0.4f],
        Ancestors = [[1, 2], [2], []],
    };

    private static EventOptions Alike(EventTiming timing) => Options(timing) with
    {
        Thresholds = [0.5f, 0.4f, 0.5f],
        ReleaseThresholds = [0.4f, 0.4f, 0.4f],
        Ancestors = [],
        Related = [[1], [0], []],
    };

    private static string Text(DetectedEvent e) => $"{(e.State == EventState.Opened ? 'o' : 'c')} {(char)('a' + e.Label)}";

    private void Add(DetectedEvent e) => _events.Add(Text(e));

    private void Push(EventDecoder decoder, params float[][] windows)
    {
        foreach (var (i, scores) in windows.Index())
            decoder.Push(10 * i, 10 * (i + 1), scores, Add);
        decoder.Flush(10 * windows.Length, Add);
    }
}
