using System.Diagnostics;
using AstStream.Streaming.Sources;

namespace AstStream.LoadTest;

/// <summary>Streams that can wait and come as fast as they are taken: for a time, or of a length each.</summary>
internal sealed class FastStreams(int count, double seconds) : IAudioSource
{
    private const int BlockLength = 1600;

    /// <summary>Samples of each stream; 0: until the time is over.</summary>
    public long Length { get; init; }

    public string Description => $"{count} streams as fast as they are taken";

    public bool IsLive => false;

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        var random = new Random(3);
        var noise = new float[BlockLength];
        foreach (ref var sample in noise.AsSpan())
            sample = (float)((random.NextDouble() - 0.5) * 0.1);
        var streams = Enumerable.Range(0, count).Select(i => new StreamInfo($"f{i}", output.Source)).ToList();
        var clock = Stopwatch.StartNew();
        long position = 0;
        while (Length > 0 ? position < Length : clock.Elapsed.TotalSeconds < seconds)
        {
            foreach (var stream in streams)
            {
                var block = AudioBlock.Rent(stream, position, 16_000, BlockLength);
                noise.CopyTo(block.Samples);
                await output.WriteAsync(block, cancellation).ConfigureAwait(false);
            }

            position += BlockLength;
        }

        foreach (var stream in streams)
            await output.EndAsync(stream, 16_000, position, cancellation).ConfigureAwait(false);
    }
}
