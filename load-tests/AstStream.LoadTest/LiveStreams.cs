using System.Diagnostics;
using AstStream.Streaming.Sources;

namespace AstStream.LoadTest;

/// <summary>
/// Many live streams as one source: noise in blocks of 5 to 100 ms at 16 and 48 kHz, each stream with a phase of its own. A stream's block
/// is sent when its last sample would have been heard; a stream that starts late is caught up with.
/// </summary>
internal sealed class LiveStreams(int count, double seconds, double share48k, double scale) : IAudioSource
{
    private static readonly double[] s_blocks = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1];
    private static readonly float[] s_noise = Noise(1 << 20);

    public string Description => $"{count} synthetic live streams";

    public bool IsLive => true;

    /// <summary>Seconds by which the generator itself was late at worst.</summary>
    public double Lateness { get; private set; }

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        // Due times in a queue: one task for all streams.
        var random = new Random(1);
        var due = new PriorityQueue<Stream, double>();
        for (var i = 0; i < count; i++)
        {
            var rate = random.NextDouble() < share48k ? 48_000 : 16_000;
            var block = s_blocks[i % s_blocks.Length];
            var stream = new Stream(
                new StreamInfo($"s{i}", output.Source), rate, (int)(rate * block), random.NextDouble() * Math.Min(10, seconds / 4),
                random.Next(s_noise.Length - 9600));
            due.Enqueue(stream, stream.Begin + block);
        }

        var clock = Stopwatch.StartNew();
        while (due.TryPeek(out var stream, out var time) && !stop.IsCancellationRequested)
        {
            var now = clock.Elapsed.TotalSeconds * scale;
            if (time > now)
            {
                await Task.Delay(1, cancellation).ConfigureAwait(false);
                continue;
            }

            due.Dequeue();
            if (now > 5)
                Lateness = Math.Max(Lateness, (now - time) / scale);
            var block = AudioBlock.Rent(stream.Info, stream.Position, stream.Rate, stream.BlockLength);
            s_noise.AsSpan((int)((stream.Offset + (stream.Position * 7)) % (s_noise.Length - 9600)), stream.BlockLength)
                .CopyTo(block.Samples);
            stream.Position += stream.BlockLength;
            await output.WriteAsync(block, cancellation).ConfigureAwait(false);
            var next = stream.Begin + ((double)(stream.Position + stream.BlockLength) / stream.Rate);
            if (next <= seconds)
                due.Enqueue(stream, next);
            else
                await output.EndAsync(stream.Info, stream.Rate, stream.Position, cancellation).ConfigureAwait(false);
        }
    }

    private static float[] Noise(int length)
    {
        var random = new Random(2);
        var noise = new float[length];
        foreach (ref var sample in noise.AsSpan())
            sample = (float)((random.NextDouble() - 0.5) * 0.1);
        return noise;
    }

    private sealed record Stream(StreamInfo Info, int Rate, int BlockLength, double Begin, int Offset)
    {
        public long Position { get; set; }
    }
}
