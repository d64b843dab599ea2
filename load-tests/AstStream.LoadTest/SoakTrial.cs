using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AstStream.LoadTest;

/// <summary>
/// The program for a long time with many sources of all kinds, while its definition is changed, its children are killed, its servers cut it
/// off and signals storm: does every stream's coverage join to the sample, does memory stay, is no child left?
/// </summary>
internal sealed partial class SoakTrial : IAsyncDisposable
{
    private const int Rate = 16_000;
    private const int Interrupt = 2;
    private const int HangUp = 1;
    private const int Kill = 9;

    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "aststream.dll");

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-soak-").FullName;
    private readonly Random _random = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<SoundServer> _servers = [];
    private readonly List<string> _sources = [];
    private readonly List<Task> _writers = [];
    private readonly List<double> _memory = []; // MB, every ten seconds
    private readonly Dictionary<string, int> _done = [];
    private int _version;

    private string Definition => Path.Combine(_folder, "soak.yaml");

    private string Records => Path.Combine(_folder, "records.jsonl");

    /// <summary>Runs it; throws where something does not hold.</summary>
    public static async Task RunAsync(double minutes, int each)
    {
        await using var trial = new SoakTrial();
        await trial.MakeAsync(each, minutes);
        await trial.RunAsync(minutes);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_writers);
        foreach (var server in _servers)
            await server.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task MakeAsync(int each, double minutes)
    {
        var mp3 = Path.Combine(_folder, "sound.mp3");
        await FfmpegAsync("-f", "lavfi", "-i", "anoisesrc=r=44100:d=31:c=pink", "-b:a", "64k", "-write_xing", "0", mp3);
        var wav = Path.Combine(_folder, "sound.wav");
        await FfmpegAsync(
            "-f", "lavfi", "-i", string.Create(CultureInfo.InvariantCulture, $"anoisesrc=r=16000:d={(minutes * 60) + 600:0}:c=pink"), wav);
        var bytes = await File.ReadAllBytesAsync(mp3);
        for (var i = 0; i < each; i++)
        {
            var http = new HttpServer(bytes, 8_000, "audio/mpeg");
            var rtsp = new RtspServer();
            _servers.AddRange([http, rtsp]);
            _sources.Add($"http{i}: {{type: ffmpeg, url: '{http.Url}', max_backoff: 1s, stall_timeout: 5s}}");
            _sources.Add($"rtsp{i}: {{type: ffmpeg, url: '{rtsp.Url}', max_backoff: 1s, stall_timeout: 5s}}");
            _sources.Add($"file{i}: {{type: file, path: sound.wav, pace: realtime}}");
            _sources.Add($"socket{i}: {{type: socket, path: s{i}.sock, encoding: s16le, sample_rate: {Rate}, channels: 1}}");
            _sources.Add($"flac{i}: {{type: ffmpeg, url: sound.mp3}}");
            _writers.Add(WriteAsync(Path.Combine(_folder, $"s{i}.sock")));
        }

        Define();
    }

    /// <summary>Another definition: a threshold changes, and some sources leave and come.</summary>
    private void Define()
    {
        _version++;
        var absent = _version % 3;
        var sources = _sources.Where((_, i) => absent == 0 || i % 10 != absent);
        var text = $"""
            sources:
              {string.Join("\n  ", sources)}
            model: {"{"}path: {Path.Combine(AppContext.BaseDirectory, "pipelines/models/ast-audioset-tiny")}, hop: 5s{"}"}
            events: {"{"}threshold: {(0.3 + (0.01 * (_version % 40))).ToString(CultureInfo.InvariantCulture)}, smoothing: 0s{"}"}
            sinks:
              log: {"{"}type: jsonl, path: records.jsonl, records: [events, coverage]{"}"}
            """;
        File.WriteAllText(Definition + ".new", text);
        File.Move(Definition + ".new", Definition, overwrite: true);
    }

    private async Task RunAsync(double minutes)
    {
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", ["exec", s_program, "run", Definition])
        { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var log = new List<string>();
        var errors = ReadAsync(process.StandardError, log);
        while (!File.Exists(Records) && !process.HasExited)
            await Task.Delay(100);
        var clock = Stopwatch.StartNew();
        for (double measured = 0; clock.Elapsed.TotalMinutes < minutes; await Task.Delay(2000))
        {
            if (process.HasExited)
                throw new InvalidOperationException($"it ended with {process.ExitCode}: {string.Join('\n', log.TakeLast(20))}");
            if (clock.Elapsed.TotalSeconds - measured >= 10)
            {
                measured = clock.Elapsed.TotalSeconds;
                process.Refresh();
                _memory.Add(process.WorkingSet64 / 1e6);
            }

            Disturb(process);
        }

        var children = Children(process.Id);
        _ = Send(process.Id, Interrupt);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        await errors;
        await output;
        await Task.Delay(1000);
        Report(process.ExitCode, clock.Elapsed, log, children.Count, children.Count(IsThere));
    }

    private void Disturb(Process process)
    {
        var what = _random.Next(8);
        switch (what)
        {
            case 0:
                Define();
                break;
            case 1:
                for (var i = 0; i < 20; i++)
                    _ = Send(process.Id, HangUp);
                break;
            case 2 or 3:
                if (Children(process.Id) is { Count: > 0 } children)
                    _ = Send(children[_random.Next(children.Count)], Kill);
                break;
            case 4:
                _servers[_random.Next(_servers.Count)].Cut();
                break;
            case 5:
                var server = _servers[_random.Next(_servers.Count)];
                server.IsStalled = !server.IsStalled;
                break;
            case 6:
                _servers[_random.Next(_servers.Count)].IsStalled = false;
                break;
            default:
                return;
        }

        var name = what switch
        {
            0 => "definitions changed",
            1 =>
            "storms of SIGHUP",
            2 or 3 => "children killed",
            4 => "connections cut",
            _ => "servers stalled or freed"
        };
        _done[name] = _done.GetValueOrDefault(name) + 1;
    }

    private void Report(int exitCode, TimeSpan time, List<string> log, int children, int left)
    {
        var streams = new Dictionary<string, List<(long Start, long End)>>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(Records))
        {
            using var json = JsonDocument.Parse(line);
            var record = json.RootElement;
            if (!record.TryGetProperty("coverage", out _))
                continue;
            var key = record.GetProperty("stream").GetString()!;
            if (!streams.TryGetValue(key, out var intervals))
                streams.Add(key, intervals = []);
            intervals.Add((record.GetProperty("start_sample").GetInt64(), record.GetProperty("end_sample").GetInt64()));
        }

        var broken = new List<string>();
        var seconds = 0.0;
        foreach (var (key, intervals) in streams)
        {
            long next = 0;
            foreach (var (start, end) in intervals)
            {
                // Another life of the source begins at zero.
                if (start != next && start != 0)
                    broken.Add(string.Create(CultureInfo.InvariantCulture, $"{key}: {start} after {next}"));
                seconds += (end - start) / (double)Rate;
                next = end;
            }
        }

        var (early, late) = (Mean(_memory.Skip(_memory.Count / 5).Take(_memory.Count / 5)), Mean(_memory.TakeLast(_memory.Count / 5)));
        var done = string.Join(", ", _done.OrderBy(d => d.Key, StringComparer.Ordinal).Select(d => $"{d.Value} {d.Key}"));
        var joined = broken.Count == 0
            ? "joined to the sample"
            : $"{broken.Count} places that do not join: {string.Join("; ", broken.Take(5))}";
        var (change, highest) = ((late / Math.Max(1, early)) - 1, _memory.DefaultIfEmpty().Max());
        var errors = log.Count(l => l.Contains(" error: ", StringComparison.Ordinal));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {_sources.Count} sources for {time.TotalMinutes:0.0} minutes: {done}
            coverage        {streams.Count} streams, {seconds / 3600:0.00} hours, {joined}
            memory          {early:0.0} MB in the second fifth, {late:0.0} MB in the last: {change:+0.0 %;-0.0 %}; highest {highest:0.0} MB
            children        {children} at the end, {left} left a second after
            exit code       {exitCode}, {errors} errors and {log.Count} lines logged
            """));
        if (broken.Count > 0 || left > 0 || streams.Count == 0)
            throw new InvalidOperationException("something does not hold");
    }

    private static double Mean(IEnumerable<double> values) => values.DefaultIfEmpty().Average();

    /// <summary>A program that writes into a socket in real time, leaves now and then, and comes back.</summary>
    private async Task WriteAsync(string path)
    {
        var random = new Random(path.Length);
        var block = new byte[2 * Rate / 10];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), _stop.Token);
                var clock = Stopwatch.StartNew();
                for (var sent = 0; sent < 600; sent++)
                {
                    random.NextBytes(block);
                    await socket.SendAsync(block, _stop.Token);
                    var ahead = (sent / 10.0) - clock.Elapsed.TotalSeconds;
                    if (ahead > 0)
                        await Task.Delay(TimeSpan.FromSeconds(ahead), _stop.Token);
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // It is not there now, or it is over.
            }

            await Task.Delay(500, CancellationToken.None);
        }
    }

    private static async Task ReadAsync(StreamReader reader, List<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (lines)
                lines.Add(line);
        }
    }

    private static async Task FfmpegAsync(params string[] arguments)
    {
        using var ffmpeg = Process.Start("ffmpeg", ["-nostdin", "-loglevel", "error", "-y", .. arguments]);
        await ffmpeg.WaitForExitAsync();
        if (ffmpeg.ExitCode != 0)
            throw new InvalidOperationException($"ffmpeg ended with {ffmpeg.ExitCode}");
    }

    /// <summary>All processes under one.</summary>
    private static List<int> Children(int parent)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                {
                    var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                    parents[id] = int.Parse(stat[(stat.LastIndexOf(')') + 4)..].Split(' ')[0], CultureInfo.InvariantCulture);
                }
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        var all = new List<int> { parent };
        for (var i = 0; i < all.Count; i++)
            all.AddRange(parents.Where(p => p.Value == all[i]).Select(p => p.Key));
        return all[1..];
    }

    private static bool IsThere(int process) => Send(process, 0) == 0;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int process, int signal);
}
