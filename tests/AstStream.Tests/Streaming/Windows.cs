using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Streaming;

/// <summary>Feature windows for tests.</summary>
internal static class Windows
{
    private static readonly StreamTimeline s_timeline = new(
        new StreamInfo("s", "s"), new WindowOptions(1024, 100, 128), isLive: false);

    /// <summary>A window that holds given features of 128 bins.</summary>
    public static Piece From(ReadOnlySpan<float> features, int frames, long start = 0)
    {
        var chunks = new List<FrameChunk>();
        for (var first = 0; first < frames; first += FrameChunk.Frames)
        {
            var chunk = FrameChunk.Rent(128);
            features[(first * 128)..(Math.Min(frames, first + FrameChunk.Frames) * 128)].CopyTo(chunk.From(0));
            chunks.Add(chunk);
        }

        var window = Piece.Rent(s_timeline, chunks, 0, frames, 128, start, start, start + 1, 1);
        foreach (var chunk in chunks)
            chunk.Release();
        return window;
    }

    public static float[] Features(Piece window, WindowOptions options)
    {
        var features = new float[options.WindowFrames * options.NumMelBins];
        window.CopyTo(features);
        return features;
    }
}
