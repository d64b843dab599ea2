using System.Diagnostics;
using System.Globalization;
using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.LoadTest;

/// <summary>What microphones and network streams cost, and how they come back. PulseAudio's null sinks are the microphones.</summary>
internal static class CaptureTrials
{
    private const int Rate = 48_000;

    /// <summary>
    /// Many microphones at 48 kHz, resampled to 16 kHz: processor time of this process and the capturing ones, and what was lost.
    /// </summary>
    public static async Task MicrophonesAsync(int count, double seconds, double latency)
    {
        using var pulse = new PulseAudio();
        for (var i = 0; i < count; i++)
            pulse.Plug($"mic{i:00}");
        using var player = pulse.Loop("mic00", Tone(pulse));
        var heard = new long[count];
        var taps = Enumerable.Range(0, count).Select(i =>
        {
            var resampler = new Resampler(Rate, FbankOptions.SampleRate);
            var output = new float[4096];
            return new Tap(
                Tap.Source($"{{type: microphone, device: mic{i:00}, channels: 1, sample_rate: {Rate}, latency: {latency}ms}}"),
                    $"mic{i:00}",
                block =>
                {
                    for (var rest = block.Samples; !rest.IsEmpty;)
                    {
                        heard[i] += resampler.Process(rest, output, out var taken);
                        rest = rest[taken..];
                    }
                });
        }).ToList();
        foreach (var tap in taps)
            await tap.UntilAsync(() => tap.Heard > 0, "sound");
        using var stop = new CancellationTokenSource();
        var draining = DrainAsync(taps, stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(10)); // the JIT's and the kernel's
        var children = Children();
        var (own, theirs, clock) = (Cpu(Environment.ProcessId), children.Sum(Cpu), Stopwatch.StartNew());
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        (own, theirs) = (Cpu(Environment.ProcessId) - own, children.Sum(Cpu) - theirs);
        var elapsed = clock.Elapsed.TotalSeconds;
        await stop.CancelAsync();
        await draining;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            microphones at 48 kHz      {count}, for {elapsed:0} s, latency {latency} ms
            processor time             {100 * (own + theirs) / elapsed:0.0} % of one core: this process (reading, checking, resampling) {100 * own / elapsed:0.0} %, {children.Count} capturing processes {100 * theirs / elapsed:0.0} %
            memory                     capturing process {children.Average(c => Memory(c, "Pss")):0.0} MB (its share of what is shared), {children.Average(c => Memory(c, "Private_Dirty")):0.0} MB its own
            overruns                   {taps.Sum(t => t.Health.Overruns)}
            lost                       {taps.Sum(t => t.Lost.Sum(l => l.Length)) / (double)Rate:0.000} s
            """));
        foreach (var tap in taps)
            await tap.DisposeAsync();
    }

    /// <summary>
    /// A microphone that is unplugged and plugged in again, and a sound server that is killed and started again, in turns.
    /// </summary>
    public static async Task ReplugAsync(int turns)
    {
        using var pulse = new PulseAudio();
        pulse.Plug("mic");
        await using var tap = new Tap(Tap.Source($"{{type: microphone, device: mic, channels: 1, sample_rate: {Rate}}}"), "mic", _ => { });
        await tap.UntilAsync(() => tap.Heard > Rate, "sound");
        var back = new List<double>();
        var (handles, threads, memory) = (0, 0, 0.0);
        for (var turn = 0; turn < turns; turn++)
        {
            if (turn % 2 == 0)
                pulse.Unplug("mic");
            else
                pulse.Kill();
            await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the microphone's being away");
            var before = tap.Heard;
            if (turn % 2 == 0)
                pulse.Plug("mic");
            else
                pulse.Start();
            var clock = Stopwatch.StartNew();
            await tap.UntilAsync(() => tap.Heard > before, "sound after it was plugged in");
            back.Add(clock.Elapsed.TotalSeconds);
            await tap.UntilAsync(() => tap.Heard > before + (Rate / 2), "half a second of sound");
            if (turn == 4)
                (handles, threads, memory) = Resources();
        }

        var (h, t, m) = Resources();
        var real = (TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds;
        var lost = tap.Lost.Sum(l => l.Length) / (double)Rate;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            unplugged, or server killed   {turns} times; came back {tap.Health.Reconnects} times
            sound after its return        median {back.Order().ElementAt(back.Count / 2):0.0} s, longest {back.Max():0.0} s
            time                          {real:0.000} s by the clock; heard {tap.Heard / (double)Rate:0.000} s + lost {lost:0.000} s = {tap.Position / (double)Rate:0.000} s
            handles, threads, memory      {handles}, {threads}, {memory:0} MB after 5 turns; {h}, {t}, {m:0} MB after {turns}
            capturing processes           {Children().Count}
            """));
    }

    /// <summary>
    /// Network streams that are cut for some seconds: how long after its return the server is heard again. And a hundred cuts.
    /// </summary>
    public static async Task ReconnectAsync(int cuts, int turns, double[] away)
    {
        Console.WriteLine("server away | heard again after its return, RTSP: median (longest) of " + turns);
        await using var server = new RtspServer();
        foreach (var seconds in away)
        {
            var times = new List<double>();
            for (var turn = 0; turn < turns; turn++)
            {
                await using var tap = new Tap(Tap.Source($"{{type: ffmpeg, url: '{server.Url}'}}"), "cam", _ => { });
                await tap.UntilAsync(() => tap.Heard > 12 * tap.Rate && tap.Rate > 0, "sound for as long as makes it healthy");
                server.IsDown = seconds > 0;
                server.Cut();
                await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the stream's being away");
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                server.IsDown = false;
                var (before, clock) = (tap.Heard, Stopwatch.StartNew());
                await tap.UntilAsync(() => tap.Heard > before, "sound");
                times.Add(clock.Elapsed.TotalSeconds);
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{seconds,4} s      | {times.Order().ElementAt(times.Count / 2):0.0} s ({times.Max():0.0} s)"));
        }

        await using var listener = new Tap(Tap.Source($"{{type: ffmpeg, url: '{server.Url}', max_backoff: 200ms}}"), "cam", _ => { });
        var (handles, threads, memory) = (0, 0, 0.0);
        for (var cut = 0; cut < cuts; cut++)
        {
            var before = listener.Heard;
            await listener.UntilAsync(() => listener.Heard > before, "sound");
            server.Cut();
            await listener.UntilAsync(() => listener.Health.State == SourceState.Away, "the stream's being away");
            if (cut == 9)
                (handles, threads, memory) = Resources();
        }

        var last = listener.Heard;
        await listener.UntilAsync(() => listener.Heard > last, "sound");
        var (h, t, m) = Resources();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            cuts                          {cuts}; came back {listener.Health.Reconnects} times
            time                          {(TimeProvider.System.GetUtcNow() - listener.Stream!.StartTime!.Value).TotalSeconds:0.0} s by the clock, {listener.Position / (double)listener.Rate:0.0} s in the stream
            handles, threads, memory      {handles}, {threads}, {memory:0} MB after 10; {h}, {t}, {m:0} MB after {cuts}
            ffmpeg processes              {Process.GetProcessesByName("ffmpeg").Length}
            """));
    }

    private static async Task DrainAsync(IEnumerable<Tap> taps, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            foreach (var tap in taps)
                tap.Drain();
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static string Tone(PulseAudio pulse)
    {
        var path = pulse.Variables["HOME"] + "/tone.wav";
        using var writer = new WavWriter(path, Rate, 1);
        writer.Write([.. Enumerable.Range(0, Rate).Select(i => (float)(0.3 * Math.Sin(2 * Math.PI * 440 * i / Rate)))]);
        return path;
    }

    private static (int Handles, int Threads, double Memory) Resources()
    {
        GC.Collect();
        using var process = Process.GetCurrentProcess();
        return (Directory.GetFiles("/proc/self/fd").Length, process.Threads.Count, process.WorkingSet64 / 1e6);
    }

    private static List<int> Children() =>
        [.. Process.GetProcesses().Select(p => p.Id).Where(
            id => TryRead($"/proc/{id}/cmdline")?.Contains("\0capture\0", StringComparison.Ordinal) == true)];

    /// <summary>Seconds of processor time so far.</summary>
    private static double Cpu(int id)
    {
        var fields = TryRead($"/proc/{id}/stat")?.Split(')')[^1].Split(' ');
        return fields is null
            ? 0 : (long.Parse(fields[12], CultureInfo.InvariantCulture) + long.Parse(fields[13], CultureInfo.InvariantCulture)) / 100.0;
    }

    private static double Memory(int id, string kind)
    {
        var line = TryRead($"/proc/{id}/smaps_rollup")?.Split('\n').First(l => l.StartsWith(kind + ":", StringComparison.Ordinal));
        return line is null
            ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
