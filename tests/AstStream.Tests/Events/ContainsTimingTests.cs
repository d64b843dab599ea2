using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Tests.Events;

/// <summary>Windows of 100 every 20, each with a cell of 20 around its middle; the first and last cell reach the ends.</summary>
public class ContainsTimingTests
{
    [Fact]
    public void Push_SoundInSomeWindows_BeginsAFifthBeforeTheFirstsEndAndEndsAFifthAfterTheLastsStart() =>
        Assert.Equal(["o 220-221", "c 220-280"], Run([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0]));

    [Fact]
    public void Push_SoundInTheFirstWindows_BeginsWithTheStream() =>
        Assert.Equal(["o 0-20", "c 0-60"], Run([1, 1, 1, 0, 0]));

    [Fact]
    public void Flush_SoundInTheLastWindows_EndsWithTheStream() =>
        Assert.Equal(["o 160-161", "c 160-240"], Run([0, 0, 0, 0, 1, 1, 1, 1]));

    [Fact]
    public void Push_OneWindow_IsAsShortAsCanBe() => Assert.Equal(["o 160-161", "c 160-161"], Run([0, 0, 0, 0, 1, 0, 0]));

    [Fact]
    public void Push_ShorterThanMinimum_IsMeasuredByWhatIsReported()
    {
        Assert.Empty(Run([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], minDuration: 61));
        Assert.Equal(2, Run([0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0], minDuration: 60).Count);
    }

    private static List<string> Run(float[] scores, long minDuration = 0)
    {
        var events = new List<string>();
        var decoder = new EventDecoder(
            new EventOptions
            {
                Timing = EventTiming.Contains,
                Thresholds = [0.5f],
                ReleaseThresholds = [0.5f],
                MinDuration = minDuration
            });
        void Add(DetectedEvent e) => events.Add($"{(e.State == EventState.Opened ? 'o' : 'c')} {e.Onset}-{e.Offset}");
        for (var i = 0; i < scores.Length; i++)
        {
            var start = i * 20;
            decoder.Push(new WindowTime(i == 0 ? 0 : start + 40, start + 60, start, start + 100), [scores[i]], Add);
        }

        decoder.Flush(((scores.Length - 1) * 20) + 100, Add);
        return events;
    }
}
