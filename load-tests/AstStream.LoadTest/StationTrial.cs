using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Station.Store;

namespace AstStream.LoadTest;

/// <summary>A station as a program of its own, killed again and again, or held up by thousands of connections that say nothing.</summary>
internal sealed class StationTrial(string folder, string model)
{
    private const int Rate = 16_000;
    private const int Port = 18_799;

    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "aststream.dll");
    private static readonly Uri s_station = new($"http://127.0.0.1:{Port}");

    private readonly string _store = Path.Combine(folder, "data", "events.db");

    /// <summary>
    /// Kills it at any moment while events come and clips are written. What was sent to a follower must be in the store, once; each clip of
    /// the store must be a whole file.
    /// </summary>
    public async Task KillAsync(int kills)
    {
        Prepare(isLive: false);
        var (random, said, clips, open, left) = (new Random(1), new HashSet<string>(StringComparer.Ordinal), 0, 0, 0);
        for (var kill = 0; kill < kills; kill++)
        {
            using var run = Start();
            using (var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan })
            {
                var lines = await FollowAsync(client);
                var until = TimeSpan.FromMilliseconds(random.Next(200, 2500));
                var clock = Stopwatch.StartNew();
                var reading = ReadIdsAsync(lines, said);
                await Task.Delay(until);
                run.Kill();
                await reading;
            }

            await run.WaitForExitAsync();
            var check = StoreCare.Check(_store);
            if (check.Problems.Count > 0)
                throw new InvalidDataException($"after kill {kill + 1}: {string.Join("; ", check.Problems)}");
            using var reader = StoreReader.Open(_store);
            var events = reader.Events(new EventQuery()).ToList();
            var known = events.Select(e => e.Event.Id).ToHashSet(StringComparer.Ordinal);
            if (known.Count != events.Count || said.FirstOrDefault(id => !known.Contains(id)) is { })
                throw new InvalidDataException($"after kill {kill + 1}: an event that was said is not in the store, or is there twice");
            open = events.Count(e => e.Event.State == Events.EventState.Opened);
            (clips, left) = CheckClips(kill, events);
        }

        Console.WriteLine(
            $"{kills} kills: {said.Count} events were said, all are in the store, once; {clips} clips, all whole; {open} events open and "
                + $"{left} files of no clip after the last one");
    }

    /// <summary>Opens thousands of connections that send a byte now and then, and asks as a viewer does meanwhile.</summary>
    public async Task ConnectAsync(int connections)
    {
        Prepare(isLive: true);
        using var run = Start();
        using var client = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { BaseAddress = s_station };
        await FollowAsync(new HttpClient());
        await Console.Out.WriteLineAsync("alone:   " + await AskAsync(client));
        var sockets = new List<Socket>();
        var refused = 0;
        for (var i = 0; i < connections; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse($"127.0.1.{1 + (i % 250)}"), 0)); // many addresses: a limit for one is no help
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port).WaitAsync(TimeSpan.FromSeconds(2));
                await socket.SendAsync(Encoding.ASCII.GetBytes(i % 3 == 0 ? "" : "GET /api/v1/events HTTP/1.1\r\nX-A: "));
            }
            catch (Exception e) when (e is SocketException or TimeoutException)
            {
                refused++;
            }

            sockets.Add(socket);
        }

        var before = Resident(run);
        await Console.Out.WriteLineAsync($"beside {connections} connections, {refused} of them refused: {await AskAsync(client)}");
        for (var second = 0; second < 30; second++)
        {
            foreach (var socket in sockets.Where((_, i) => i % 3 == 1))
            {
                try
                {
                    await socket.SendAsync("a"u8.ToArray());
                }
                catch (SocketException)
                {
                    // It was closed: as it should be.
                }
            }

            await Task.Delay(1000);
        }

        await Console.Out.WriteLineAsync($"30 s later: {await AskAsync(client)}; resident {before:0} MB and {Resident(run):0} MB");
        sockets.ForEach(s => s.Dispose());
        run.Kill();
    }

    /// <summary>How soon fifty questions are answered, each over a connection of its own.</summary>
    private static async Task<string> AskAsync(HttpClient client)
    {
        var (times, failed) = (new List<double>(), 0);
        for (var i = 0; i < 50; i++)
        {
            var start = Stopwatch.GetTimestamp();
            try
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                await client.GetStringAsync(new Uri("/api/v1/streams", UriKind.Relative), patience.Token);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                failed++;
            }

            await Task.Delay(20);
        }

        times.Sort();
        return times.Count == 0 ? "no answer" : string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Count} answers, p50 {times[times.Count / 2]:0.0} ms, longest {times[^1]:0.0} ms, {failed} failed");
    }

    private static double Resident(Process run)
    {
        run.Refresh();
        return run.WorkingSet64 / 1e6;
    }

    private (int Clips, int Left) CheckClips(int kill, List<StoredEvent> events)
    {
        var place = Path.Combine(folder, "data", "clips");
        using var clips = ClipReader.Open(_store);
        var files = clips.Files();
        foreach (var id in events.Select(e => e.Clip).OfType<string>().Distinct())
        {
            var clip = clips.Find(id) ?? throw new InvalidDataException($"after kill {kill + 1}: clip {id} is not there");
            var file = new FileInfo(Path.Combine(place, clip.File));
            if (!file.Exists || file.Length != clip.Bytes)
                throw new InvalidDataException($"after kill {kill + 1}: {clip.File} is not the file that the store says");
        }

        return (files.Count, Directory.EnumerateFiles(place, "*", SearchOption.AllDirectories).Count() - files.Count);
    }

    private void Prepare(bool isLive)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        var random = new Random(1);
        var sound = Path.Combine(folder, "bursts.wav");
        using (var file = new WavWriter(sound, Rate, 1))
        {
            for (var second = 0; second < 600; second++)
            {
                var loud = second % 10 is 4 or 5 ? 0.3f : 0.001f;
                file.Write([.. Enumerable.Range(0, Rate).Select(_ => loud * (random.NextSingle() - 0.5f))]);
            }
        }

        File.WriteAllText(Path.Combine(folder, "p.yaml"), $$"""
            sources: {bursts: {type: file, path: bursts.wav{{(isLive ? ", pace: realtime" : "")}} } }
            model: {path: {{Path.GetFullPath(model)}} }
            events: {threshold: 0.1, related: keep}
            station: {data: data, listen: "127.0.0.1:{{Port}}", clips: {pre: 1s, post: 1s} }
            """);
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[s_program, "run", Path.Combine(folder, "p.yaml"), "--keep-page"])
            start.ArgumentList.Add(argument);
        var run = Process.Start(start)!;
        run.OutputDataReceived += (_, _) => { };
        run.ErrorDataReceived += (_, _) => { };
        run.BeginOutputReadLine();
        run.BeginErrorReadLine();
        return run;
    }

    private static async Task<StreamReader> FollowAsync(HttpClient client)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return new StreamReader(await client.GetStreamAsync(new Uri(s_station, "/api/v1/live")));
            }
            catch (HttpRequestException) when (tries < 300)
            {
                await Task.Delay(100);
            }
        }
    }

    private static async Task ReadIdsAsync(StreamReader lines, HashSet<string> ids)
    {
        try
        {
            while (await lines.ReadLineAsync() is { } line)
            {
                if (line.StartsWith("data:", StringComparison.Ordinal))
                    ids.Add(JsonDocument.Parse(line[5..]).RootElement.GetProperty("id").GetString()!);
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
        {
            // It was killed, perhaps within a line.
        }
    }
}
