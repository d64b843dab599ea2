using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Tests.Events;

/// <summary>Scores of windows whose hop is stretched; the configured one is 10.</summary>
public class StretchedHopTests
{
    [Theory]
    [InlineData(10, 3)] // as configured: one window of three makes no event
    [InlineData(13, 3)]
    [InlineData(10, 5)]
    [InlineData(20, 5)]
    public void Push_MedianAtAStretchedHop_SpikesThatAreShortForTheFilterMakeNoEvent(int hop, int median)
    {
        var events = new List<DetectedEvent>();
        var decoder = Decoder(median, release: 0.5f);
        for (var i = 0; i < 9; i++)
            decoder.Push(i * hop, (i + 1) * hop, [i == 4 ? 0.9f : 0], events.Add);
        decoder.Flush(9 * hop, events.Add);

        Assert.Empty(events);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(20, 3)]
    [InlineData(30, 3)]
    [InlineData(20, 5)]
    [InlineData(40, 5)]
    [InlineData(70, 9)]
    public void Push_StretchedHop_NeitherMissesNorDoublesASoundThatLastsAsLongAsTheFilter(int hop, int median)
    {
        // A sound of the filter's own length, at every place between the windows; a window's score says how much of its hop it fills.
        var length = median * 10;
        for (var onset = 200; onset < 200 + hop; onset++)
        {
            var events = new List<DetectedEvent>();
            var decoder = Decoder(median, release: 0.4f);
            for (var start = 0; start < 600; start += hop)
                decoder.Push(
                    start, start + hop,
                    [Math.Max(0, Math.Min(start + hop, onset + length) - Math.Max(start, onset)) / (float)Math.Min(hop, length)],
                    events.Add);
            decoder.Flush(600, events.Add);

            Assert.True(events.Count(e => e.State == EventState.Closed) == 1, $"onset {onset}: {string.Join(' ', events)}");
        }
    }

    private static EventDecoder Decoder(int median, float release) => new(
        new EventOptions { Thresholds = [0.5f], ReleaseThresholds = [release], MedianWindows = median, HopLength = 10 });
}
