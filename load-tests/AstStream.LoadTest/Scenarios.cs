using System.Diagnostics;
using System.Globalization;
using AstStream.Streaming.Scheduling;

namespace AstStream.LoadTest;

/// <summary>What a scenario runs with.</summary>
internal sealed record Settings(
    int Streams, double Seconds, double RunMilliseconds, double WindowMilliseconds, int Batch, double DelayMilliseconds, int HopFrames,
    double Share48k)
{
    public const int WindowFrames = 1024;

    public double Capacity => Batch / (RunMilliseconds + (WindowMilliseconds * Batch)) * 1000;

    public BatchOptions Batching => new() { MaxQueueDelay = TimeSpan.FromMilliseconds(DelayMilliseconds) };

    public SimulatedSession Session() => new(Batch, Engine.Labels, WindowFrames * 128, RunMilliseconds, WindowMilliseconds);
}

internal static class Scenarios
{
    public static async Task LiveAsync(Settings s, RealModel? model, StationLoad? station = null)
    {
        Print($"live: {s.Streams} streams ({s.Share48k:P0} at 48 kHz), hop {s.HopFrames / 100.0} s, {s.Seconds} s; session "
            + (model?.Name ?? ($"{s.RunMilliseconds} + {s.WindowMilliseconds} ms a window, at most {s.Batch}: "
                + $"{s.Streams * 100.0 / s.HopFrames / s.Capacity:P0} of its {s.Capacity:0} windows/s")));
        var before = Usage.Resident;
        using var engine = new Engine(
            new LiveStreams(s.Streams, s.Seconds, s.Share48k, 1), model is null ? s.Session : model.Open,
            Engine.Window(model?.Frames ?? Settings.WindowFrames, s.HopFrames), s.Batching, labels: model?.Labels ?? Engine.Labels,
            observe: station is null ? null : station.Observe, sink: station);
        var watching = station?.WatchAsync(engine);
        var running = engine.RunAsync();

        // The first windows are whole after ten seconds, and the streams begin within ten: what comes later is the steady state.
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(Math.Min(25, s.Seconds / 2))));
        engine.ResetLatencies();
        var usage = new Usage();
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(Math.Max(1, s.Seconds - 26))));
        var steady = $"steady state: {engine.Latencies()}\n{usage}, {(Usage.Resident - before) / s.Streams:0.000} MB a stream";
        await running;
        if (watching is not null)
            steady += $"\n{await watching}";
        var limit = s.DelayMilliseconds + s.RunMilliseconds + (s.WindowMilliseconds * s.Batch) + 50;
        Print($"{engine.Summary()}\n{steady}{(model is null ? $"\nlimit of p99: {limit:0} ms" : $"\n{engine.Session!.Description}")}");
    }

    /// <summary>Opens all models at once, runs each, and closes them, again and again.</summary>
    public static void Starts(IReadOnlyList<RealModel> models, int turns)
    {
        for (var turn = 1; turn <= turns; turn++)
        {
            var clock = Stopwatch.StartNew();
            var sessions = new IModelSession[models.Count];
            Parallel.For(0, models.Count, i => sessions[i] = models[i].Open());
            var opened = clock.Elapsed.TotalSeconds;
            Parallel.ForEach(sessions, session => session.Run(0, 1));
            if (turn == 1 || turn == turns)
                Print(string.Join('\n', sessions.Select(s => s.Description)));
            foreach (var session in sessions)
                session.Dispose();
            Print($"  turn {turn}: open after {opened:0.00} s, resident {Usage.Resident:0} MB after closing");
        }
    }

    public static async Task OverloadAsync(Settings s, double load, double calm)
    {
        // The session's time is scaled so that the streams' windows are so many times what it can do; then it is well again.
        var slow = load / (s.Streams * 100.0 / s.HopFrames / s.Capacity);
        Print($"overload: {s.Streams} streams, hop {s.HopFrames / 100.0} s; {load} times what the session can do from {calm} s to "
            + $"{calm + s.Seconds} s");
        using var engine = new Engine(new LiveStreams(
            s.Streams, s.Seconds + (4 * calm), s.Share48k, 1), s.Session, Engine.Window(Settings.WindowFrames, s.HopFrames), s.Batching);
        var running = engine.RunAsync();
        await Task.Delay(TimeSpan.FromSeconds(calm));
        var session = (SimulatedSession)engine.Session!;
        session.Slowness = slow;
        var clock = Stopwatch.StartNew();
        double settled = 0, peak = 0;
        while (clock.Elapsed.TotalSeconds < s.Seconds)
        {
            await Task.Delay(TimeSpan.FromSeconds(Math.Min(5, s.Seconds)));
            Print($"  {clock.Elapsed.TotalSeconds,4:0} s: stretch {engine.Scheduler.Stretch.Mean:0.00} (longest "
                + $"{engine.Scheduler.Stretch.Max:0.00}), {engine.Scheduler.Windows.Depth} windows wait, resident {Usage.Resident:0} MB, "
                + $"{engine.Latency}");
            engine.ResetLatencies();
            if (settled == 0 && clock.Elapsed.TotalSeconds > s.Seconds / 2)
                settled = Usage.Resident;
            peak = Usage.Resident;
            if (clock.Elapsed.TotalSeconds < s.Seconds * 2 / 3)
                session.ForgetWindows(); // hops have settled
        }

        var hops = session.MeanHops();

        session.Slowness = 1;
        clock.Restart();
        while (clock.Elapsed.TotalSeconds < 3 * calm && (engine.Scheduler.Stretch.IsOverloaded || engine.Scheduler.Stretch.Mean > 1))
            await Task.Delay(100);
        Print($"  back to normal {clock.Elapsed.TotalSeconds:0.0} s after the load's end; memory in the overload's second half "
            + $"{settled:0} to {peak:0} MB");
        await running;
        Print(engine.Summary());

        if (hops.Count == 0)
        {
            Print("mean hop of a stream: too short a time to tell");
            return;
        }

        var mean = hops.Average();
        Print($"mean hop of a stream: {hops.Min():0.000} to {hops.Max():0.000} s, mean {mean:0.000} s "
            + $"({(hops.Min() / mean) - 1:+0.0 %;-0.0 %} to {(hops.Max() / mean) - 1:+0.0 %;-0.0 %}); "
            + $"{hops.Count(h => Math.Abs((h / mean) - 1) <= 0.05) / (double)hops.Count:P2} within 5 %");
    }

    public static async Task SaturateAsync(Settings s, RealModel? model)
    {
        IModelSession Open() => model is null ? s.Session() : model.Open();
        var frames = model?.Frames ?? Settings.WindowFrames;

        // Bare and engine in turns, so that the machine's moods fall on both.
        var (bare, whole) = (new List<double>(), new List<double>());
        for (var turn = 0; turn < 5; turn++)
        {
            using (var session = Open())
                bare.Add(Bare(session, s.Seconds));
            var source = new FastStreams(8, s.Seconds + 2);
            using var engine = new Engine(
                source, Open, Engine.Window(frames, s.HopFrames), new BatchOptions(), lanes: 2,
                labels: model?.Labels ?? Engine.Labels);
            whole.Add(await engine.ThroughputAsync(s.Seconds));
            Print($"  turn {turn + 1}: bare {bare[^1]:0.0} windows/s, engine {whole[^1]:0.0} windows/s ({whole[^1] / bare[^1]:P1}), "
                + $"{(double)engine.Report.Windows / engine.Report.Batches:0.0} windows a batch, {engine.MeanRun:0.00} ms a run");
        }

        Print($"saturate ({model?.Name ?? $"simulated {s.RunMilliseconds} + {s.WindowMilliseconds} ms"}): "
            + $"engine {whole.Order().ElementAt(2):0.0} of {bare.Order().ElementAt(2):0.0} windows/s: "
            + $"{whole.Order().ElementAt(2) / bare.Order().ElementAt(2):P1} (medians of five)");
    }

    public static async Task DaysAsync(double days)
    {
        var length = (long)(days * 86_400 * 16_000);
        var source = new FastStreams(1, 0) { Length = length };
        using var engine = new Engine(
            source, () => new SimulatedSession(64, Engine.Labels, 1024 * 128, 0, 0), Engine.Window(1024, 1024), new BatchOptions());
        var clock = Stopwatch.StartNew();
        var running = engine.RunAsync();
        double least = double.MaxValue, most = 0;
        while (!running.IsCompleted)
        {
            await Task.WhenAny(running, Task.Delay(2000));
            if (clock.Elapsed.TotalSeconds > 4 && !running.IsCompleted)
                (least, most) = (Math.Min(least, Usage.Resident), Math.Max(most, Usage.Resident));
        }

        await running;
        var end = engine.Coverage.Values.Single()[^1].End;
        Print($"days: {days} days of one stream in {clock.Elapsed.TotalSeconds:0} s ({length / 16_000.0 / clock.Elapsed.TotalSeconds:0} "
            + $"times real time); last sample {end} of {length}{(end > 1L << 32 ? ", beyond 2^32" : "")}; resident {least:0} to {most:0} "
            + $"MB\n{engine.Summary()}");
    }

    private static double Bare(IModelSession session, double seconds)
    {
        for (var i = 0; i < 2; i++)
            session.Run(0, session.MaxBatch);
        var clock = Stopwatch.StartNew();
        long windows = 0;
        for (; clock.Elapsed.TotalSeconds < seconds; windows += session.MaxBatch)
            session.Run(0, session.MaxBatch);
        return windows / clock.Elapsed.TotalSeconds;
    }

    public static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    public static void Print(string text) => Console.WriteLine(text);
}
