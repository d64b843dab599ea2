using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using AstStream.Events;
using AstStream.Station;
using AstStream.Station.Clips;
using AstStream.Station.Levels;
using AstStream.Station.Live;
using AstStream.Station.Store;
using AstStream.Station.Web;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace AstStream.LoadTest;

/// <summary>
/// A station over synthetic streams: events at a rate, their clips, and viewers that look at spectrograms, poll tiles and lists, and follow
/// events, as the page does. It is the sink of the run.
/// </summary>
internal sealed class StationLoad : ISink, IAsyncDisposable
{
    private const int Spectrograms = 12; // of a viewer: the tiles that it sees

    private readonly string _folder;
    private readonly int _viewers;
    private readonly double _rate;
    private readonly SoundMemory _memory = new(650_000_000);
    private readonly Station.Live.LiveStreams _streams = new();
    private readonly EventFeed _feed = new();
    private readonly Taps _taps = new();
    private readonly StoreSink _store;
    private readonly LevelDetail _detail;
    private readonly LevelQueue _levels;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<(StreamInfo Stream, IStreamObserver Observer)> _observers = [];
    private readonly ConcurrentQueue<SoundEvent> _events = []; // for the sink
    private readonly List<(string Path, double Milliseconds)> _answers = []; // of the API
    private ClipFiles? _files;
    private Task _measuring = Task.CompletedTask;
    private long _columns;

    private StationLoad(string folder, int viewers, double rate, LevelDetail detail)
    {
        (_folder, _viewers, _rate, _detail) = (Path.GetFullPath(folder), viewers, rate, detail);
        _levels = new LevelQueue(minutes => _store!.Use(s => s.Add(minutes)), Console.WriteLine, TimeProvider.System);
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
        _store = StoreSink.Make(Path.Combine(_folder, "events.db"), TimeSpan.FromDays(365), TimeProvider.System, record =>
        {
            if (record is SoundEvent e)
                _feed.Publish(e);
        });
    }

    public string Description => $"a station in {_folder}";

    public static async Task<StationLoad> OpenAsync(string folder, int viewers, double rate, LevelDetail detail)
    {
        var load = new StationLoad(folder, viewers, rate, detail);
        await load._store.OpenAsync(CancellationToken.None);
        var clips = new ClipFolder(Path.Combine(load._folder, "clips"), 0, 0, TimeProvider.System);
        load._files = new ClipFiles(clips, ClipFormat.Flac, load.Keep, TimeProvider.System)
        { Warn = Console.WriteLine };
        load._measuring = load._levels.RunAsync(load._stop.Token);
        return load;
    }

    private IReadOnlyList<(string File, long Bytes)?> Keep(IReadOnlyList<StoredClip> clips)
    {
        IReadOnlyList<(string, long)?> replaced = [];
        _store.Use(s => replaced = s.Add(clips));
        return replaced;
    }

    public IStreamObserver Observe(StreamInfo stream)
    {
        var classes = new ModelClasses(Engine.NamesOf(Engine.Labels), null, new HashSet<string>(), [], 1024 * 160);
        var levels = _detail == LevelDetail.None
            ? null : new StreamLevels(stream, _detail == LevelDetail.Bands, _levels.Take, TimeProvider.System);
        var observer = new StreamObserver(
            stream, new StreamClips(stream, new ClipOptions(), _ => classes, ["m"], _memory, _files!), levels,
            _streams.Begin(stream, levels), _taps, _streams.End);
        _observers.Enqueue((stream, observer));
        return observer;
    }

    public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation) => _store.WriteAsync(record, cancellation);

    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        while (_events.TryDequeue(out var e))
            await _store.WriteAsync(e, cancellation);
        await _store.FlushAsync(cancellation);
    }

    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        await _files!.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _measuring;
        await _store.DisposeAsync();
    }

    /// <summary>Makes events and looks at them until the run is nearly over; returns what it saw.</summary>
    public async Task<string> WatchAsync(Engine engine)
    {
        await using var server = await WebServer.StartAsync(
            new WebOptions(new IPEndPoint(IPAddress.Loopback, 0)),
            new WebSource
            {
                Store = Path.Combine(_folder, "events.db"),
                ClipPath = file => ClipFolder.FullPath(Path.Combine(_folder, "clips"), file),
                Streams = _streams,
                Feed = _feed,
                Taps = _taps,
                Write = _store.Use,
                ClipTroubles = () => [],
                Run = new RunState(engine.Report, () => true, () => [], "load"),
            },
            NullLoggerProvider.Instance, TimeProvider.System, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var making = MakeEventsAsync(engine, stop.Token);
        await Task.Delay(12_000);
        var viewers = Enumerable.Range(0, _viewers).Select(v => ViewAsync(new Uri(server.Address), v, stop.Token)).ToList();
        while (!engine.Stop.IsCancellationRequested && engine.Report.Streams > 0 && !_streams.All.Any(s => s.IsOver))
            await Task.Delay(500);
        await stop.CancelAsync();
        await Task.WhenAll(viewers);
        var made = await making;
        lock (_answers)
        {
            static string Percentiles(IEnumerable<double> times)
            {
                List<double> sorted = [.. times.Order()];
                double At(double share) => sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];
                return string.Create(
                    CultureInfo.InvariantCulture, $"{sorted.Count}, p50 {At(0.5):0} ms, p99 {At(0.99):0} ms, longest {At(1):0} ms");
            }

            var clips = _files!.Counts;
            var answers = string.Join(
                "; ", _answers.GroupBy(x => x.Path).Select(g => $"{g.Key} {Percentiles(g.Select(x => x.Milliseconds))}"));
            return string.Create(CultureInfo.InvariantCulture,
                $"station: {made} events, {clips.Written} clips so far, {clips.Skipped(ClipSkip.SoundGone)} of sound that was gone, "
                    + $"{clips.Skipped(ClipSkip.Busy)} too many at once; {_memory.Used / 1e6:0} MB of sound; {_viewers} viewers: "
                    + $"{_columns} columns of spectrograms; answers: {answers}");
        }
    }

    /// <summary>Events of two seconds, each opened when it is half over.</summary>
    private async Task<int> MakeEventsAsync(Engine engine, CancellationToken stop)
    {
        var random = new Random(5);
        var made = 0;
        var open = new Queue<(double Due, IStreamObserver Observer, SoundEvent Event)>();
        var clock = Stopwatch.StartNew();
        try
        {
            while (true)
            {
                await Task.Delay(20, stop);
                var now = clock.Elapsed.TotalSeconds;
                while (open.TryPeek(out var first) && first.Due <= now)
                    Publish(open.Dequeue());
                var streams = _observers.ToArray();
                for (; now > 15 && made < (now - 15) * _rate && streams.Length > 0; made++)
                {
                    var (stream, observer) = streams[random.Next(streams.Length)];
                    if (_streams.Find(stream.Id) is not { IsOver: false } live || live.Heard < 8)
                        continue;
                    var onset = live.Heard - 4;
                    var e = new SoundEvent(
                        $"{made:x20}", EventState.Opened, stream, "m", $"class {random.Next(50)}", onset, onset + 1, 0.8f, 0.7f);
                    Publish((now, observer, e));
                    open.Enqueue((now + 2, observer, e with { State = EventState.Closed, Offset = onset + 2 }));
                }
            }
        }
        catch (OperationCanceledException)
        {
            return made;
        }

        void Publish((double Due, IStreamObserver Observer, SoundEvent Event) next)
        {
            next.Observer.Detected(next.Event);
            _events.Enqueue(next.Event);
        }
    }

    private async Task ViewAsync(Uri address, int viewer, CancellationToken stop)
    {
        using var client = new HttpClient { BaseAddress = address };
        var sockets = Enumerable.Range(0, Spectrograms).Select(i => LookAsync(address, $"s{(viewer * Spectrograms) + i}", stop)).ToList();
        var following = FollowAsync(client, stop);
        try
        {
            for (var turn = 0; ; turn++)
            {
                await Task.Delay(1000, stop);
                await AskAsync(client, $"/api/v1/streams?offset={viewer * Spectrograms}&limit=24", stop);
                if (turn % 3 == 0)
                    await AskAsync(client, $"/api/v1/events?limit=200&label=class {viewer}", stop);
                if (turn % 5 == 0)
                    await AskAsync(client, "/api/v1/health", stop);
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }

        await Task.WhenAll([.. sockets, following]);
    }

    private async Task AskAsync(HttpClient client, string path, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        var answer = await client.GetByteArrayAsync(new Uri(path, UriKind.Relative), stop);
        lock (_answers)
            _answers.Add((path.Split('?')[0], clock.Elapsed.TotalMilliseconds));
        Debug.Assert(answer.Length > 0);
    }

    private static async Task FollowAsync(HttpClient client, CancellationToken stop)
    {
        try
        {
            using var stream = await client.GetStreamAsync(new Uri("/api/v1/live", UriKind.Relative), stop);
            var buffer = new byte[65_536];
            while (await stream.ReadAsync(buffer, stop) > 0)
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            // It is over.
        }
    }

    private async Task LookAsync(Uri address, string stream, CancellationToken stop)
    {
        using var socket = new ClientWebSocket();
        var buffer = new byte[65_536];
        try
        {
            await socket.ConnectAsync(new Uri($"ws://{address.Authority}/api/v1/live/stream?name={stream}&spectrogram=true"), stop);
            while (await socket.ReceiveAsync(buffer.AsMemory(), stop) is { MessageType: not WebSocketMessageType.Close } read)
            {
                if (read.MessageType == WebSocketMessageType.Binary)
                    Interlocked.Add(ref _columns, read.Count / LiveStream.MelBins);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            // It is over.
        }
    }
}
