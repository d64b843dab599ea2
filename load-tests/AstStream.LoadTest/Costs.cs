using System.Diagnostics;
using AstStream.Events.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.LoadTest;

/// <summary>What the parts of the engine cost on one thread, for one live stream at a hop of one second.</summary>
internal static class Costs
{
    /// <summary>Measures all of it.</summary>
    /// <param name="seconds">For how long each is measured.</param>
    public static Task RunAsync(double seconds)
    {
        void Print(string what, Action action, double timesASecond) => Costs.Print(what, action, timesASecond, seconds);
        foreach (var (rate, milliseconds) in ((int, int)[])[(16_000, 5), (16_000, 20), (16_000, 100), (48_000, 20), (48_000, 100)])
            Print($"lane, {rate} Hz in blocks of {milliseconds} ms", Lane(rate, rate * milliseconds / 1000), 1000.0 / milliseconds);
        var window = Window();
        var features = new float[1024 * 128];
        var rows = Enumerable.Range(0, 128).Select(_ => new float[1024 * 128]).ToArray();
        var row = 0;
        Print("copying a window into a batch", () => window.CopyTo(rows[row++ % rows.Length]), 1);
        window.Return();
        foreach (var median in (int[])[1, 3])
            Print($"decoding {Engine.Labels} labels, median of {median}", Decode(median), 1);
        return Task.CompletedTask;
    }

    private static Action Lane(int rate, int length)
    {
        var lane = new LaneAlone(rate);
        var random = new Random(1);
        var samples = Enumerable.Range(0, length).Select(_ => (float)random.NextDouble() - 0.5f).ToArray();
        return () => lane.Accept(samples);
    }

    private static Piece Window()
    {
        var chunks = Enumerable.Range(0, 32).Select(_ => FrameChunk.Rent(128)).ToList();
        var scheduler = new WindowScheduler(
            "m", new WindowOptions(1024, 100, 128), new BatchOptions(), TimeProvider.System, new RunReport());
        return Piece.Rent(scheduler.Open(new StreamInfo("s", "s"), isLive: true), chunks, 0, 1024, 128, 0, 0, 1, 1);
    }

    private static Action Decode(int median)
    {
        var thresholds = Enumerable.Repeat(0.5f, Engine.Labels).ToArray();
        var decoder = new EventDecoder(
            new EventOptions
            {
                Thresholds = thresholds,
                ReleaseThresholds = [.. thresholds.Select(t => t * 0.8f)],
                MedianWindows = median,
                HopLength = 16_000
            });
        var scores = Enumerable.Range(0, Engine.Labels).Select(i => i % 100 == 0 ? 0.6f : 0.01f).ToArray();
        long position = 0;
        return () => decoder.Push(position, position += 16_000, scores, static _ => { });
    }

    private static void Print(string what, Action action, double timesASecond, double seconds)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds / 3)
            action();
        var best = double.MaxValue;
        for (var turn = 0; turn < 5; turn++)
        {
            clock.Restart();
            var count = 0;
            for (; clock.Elapsed.TotalSeconds < seconds / 7; count++)
                action();
            best = Math.Min(best, clock.Elapsed.TotalMicroseconds / count);
        }

        Scenarios.Print($"{what,-45} {best,8:0.00} µs, {best * timesASecond / 1000,7:0.000} ms for a second of sound");
    }
}
