using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Tests.Events;

/// <summary>Classes 0 and 1, and class 2, which makes no events, and rules class 0 out.</summary>
public class RivalTests
{
    private const float Own = 0.6f; // odds of 3 to 2

    private readonly List<DetectedEvent> _events = [];

    [Theory]
    [InlineData(0.88f, true)] // 7.3 to 1
    [InlineData(0.89f, false)] // 8.1 to 1, over five times 3 to 2
    public void Push_PartThatIsSomethingElse_MakesNoEvent(float rival, bool makes)
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [Own, Own, rival], _events.Add);
        decoder.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [Own, Own, rival], _events.Add);
        decoder.Flush(30_000, _events.Add);

        Assert.Equal(makes ? [0, 1] : [1], Closed());
    }

    [Theory]
    [InlineData(0.79f, true)]
    [InlineData(0.8f, false)]
    public void Push_RivalThatIsNotSure_RulesNothingOut(float rival, bool makes)
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment) with
        {
            Thresholds = [0.1f, 0.1f, float.PositiveInfinity],
            ReleaseThresholds = [0.1f, 0.1f, float.PositiveInfinity],
        });
        decoder.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [0.1f, 0, rival], _events.Add);
        decoder.Flush(30_000, _events.Add);

        Assert.Equal(makes ? [0] : [], Closed());
    }

    [Fact]
    public void Push_PartThatIsNotScoredAlone_IsJudgedByNoRival()
    {
        var decoder = new SegmentDecoder(Options(EventTiming.Segment));
        decoder.Push(new ActivityPart(0, 10_000, ActivityProgress.Early), [], _events.Add);
        decoder.Push(new WindowTime(0, 20_000, 0, 20_000), [Own, 0, 0.99f], _events.Add);
        decoder.Push(new ActivityPart(0, 20_000, ActivityProgress.Over), [], _events.Add);
        decoder.Flush(20_000, _events.Add);

        Assert.Equal([0], Closed()); // the window has other sounds, too
    }

    [Fact]
    public void Push_WindowThatIsSomethingElse_EndsTheEvent()
    {
        var decoder = new EventDecoder(Options(EventTiming.Window));
        foreach (var (at, rival) in new[] { 0.1f, 0.99f, 0.1f }.Index())
            decoder.Push(new WindowTime(at * 100, (at + 1) * 100, at * 100, (at + 1) * 100), [Own, 0, rival], _events.Add);
        decoder.Flush(300, _events.Add);

        Assert.Equal([(0L, 100L), (200L, 300L)], _events.Where(e => e.State == EventState.Closed).Select(e => (e.Onset, e.Offset)));
    }

    [Fact]
    public void Push_RuledOutClassThatIsBelowAnother_LeavesTheOther()
    {
        var decoder = new EventDecoder(Options(EventTiming.Window) with { Ancestors = [[1], [], []] });
        decoder.Push(new WindowTime(0, 100, 0, 100), [Own, Own, 0.99f], _events.Add);
        decoder.Flush(100, _events.Add);

        Assert.Equal([1], Closed());
    }

    [Fact]
    public void Validate_RivalsThatDoNotFit_Throws()
    {
        var options = Options(EventTiming.Window) with { Rivals = [[3], [], []] };

        var message = Assert.Throws<ArgumentException>(options.Validate).Message;
        Assert.Contains("one of the rivals is no class", message, StringComparison.Ordinal);
    }

    private IEnumerable<int> Closed() => _events.Where(e => e.State == EventState.Closed).Select(e => e.Label).Order();

    private static EventOptions Options(EventTiming timing) => new()
    {
        Timing = timing,
        Thresholds = [0.5f, 0.5f, float.PositiveInfinity],
        ReleaseThresholds = [0.4f, 0.4f, float.PositiveInfinity],
        Rivals = [[2], [], []],
    };
}
