using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Mqtt;

/// <summary>
/// Publishes events, coverage, states and levels to an MQTT broker, and describes each stream to Home Assistant. While the broker is away,
/// records wait or are dropped as the sink's options say; what is retained is published again as it is then.
/// </summary>
public sealed class MqttSink : ISink
{
    private const int MostStreams = 1_000; // that are described
    private const int MostLabels = 50; // of a stream, where none are named

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_firstTry = TimeSpan.FromSeconds(3);

    private readonly MqttOptions _options;
    private readonly MqttTopics _topics;
    private readonly HomeAssistant? _home;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new(); // the streams
    private readonly Dictionary<string, MqttStream> _streams = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<string> _stale = new(StringComparer.Ordinal); // topics of labels that a run of before left ON
    private MqttLink? _link;
    private ISinkReport? _report;
    private Task _work = Task.CompletedTask;
    private volatile bool _sayOnline;
    private volatile bool _isEnding;
    private bool _toldMost;

    internal MqttSink(MqttOptions options, TimeProvider time)
    {
        (_options, _time, _topics) = (options, time, new MqttTopics(options.Topic));
        _home = options.Discovery is { } discovery ? new HomeAssistant(_topics, discovery) : null;
    }

    /// <inheritdoc/>
    public string Description => $"MQTT to {_options.Place}/{_options.Topic}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => _report = value;
    }

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        _link = new MqttLink(_options, _topics.Status, _report, _time);
        _work = Task.WhenAll(
            _link.RunAsync(BeginAsync, Receive, _stop.Token), Task.Run(() => TickAsync(_stop.Token), CancellationToken.None));

        // A broker that is away at the start is as one that goes away later; but the usual one is there at once.
        var begin = _time.GetTimestamp();
        while (!_link.IsConnected && _time.GetElapsedTime(begin) < s_firstTry)
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        var stream = record.Stream.Id;
        var isNews = false;
        lock (_lock)
        {
            if (Known(stream) is { } known)
                isNews = record is SoundEvent heard && Take(known, heard);
        }

        if (isNews)
            Wake();
        var bytes = new ArrayBufferWriter<byte>();
        RecordJson.Write(bytes, record);
        await _link!.PublishAsync(
            record is SoundEvent ? _topics.Events(stream) : _topics.Coverage(stream), Encoding.UTF8.GetString(bytes.WrittenSpan),
            isRetained: false, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (_link is not { IsConnected: true })
            return;
        await TellAsync(cancellation).ConfigureAwait(false);
        _isEnding = true;
        await _link.PublishAsync(_topics.Status, "offline", isRetained: true, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_link is { IsConnected: true } && !_isEnding)
            await SayOfflineAsync(_link).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
        if (_link is not null)
            await _link.DisposeAsync().ConfigureAwait(false);
        _wake.Dispose();
        _stop.Dispose();
    }

    /// <summary>A run that was broken off takes leave too: the broker's last will is for connections that break.</summary>
    private async Task SayOfflineAsync(MqttLink link)
    {
        _isEnding = true;
        using var limit = new CancellationTokenSource(s_tick, _time);
        try
        {
            await link.PublishAsync(_topics.Status, "offline", isRetained: true, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SinkException or OperationCanceledException)
        {
            // It is gone, and the broker says so.
        }
    }

    /// <summary>A stream, if it is one of those that are described. Under the lock.</summary>
    private MqttStream? Known(string name)
    {
        if (_streams.TryGetValue(name, out var known))
            return known;
        if (_streams.Count >= MostStreams)
        {
            if (!_toldMost)
                _report?.Note($"more than {MostStreams} streams: the others' records are published, without labels and descriptions");
            _toldMost = true;
            return null;
        }

        var stream = new MqttStream(name);
        stream.Labels.AddRange(_options.Labels.Keys);
        stream.Changed.UnionWith(_options.Labels.Keys);
        return _streams[name] = stream;
    }

    /// <summary>Takes an event; true where there is something to tell. Under the lock.</summary>
    private bool Take(MqttStream stream, SoundEvent e)
    {
        if (_options.Labels.Count == 0 && !stream.Labels.Contains(e.Label) && stream.Labels.Count < MostLabels)
        {
            stream.Labels.Add(e.Label);
            stream.IsNews = true;
        }

        foreach (var label in stream.Labels.Where(l => l == e.Label || _options.Labels.GetValueOrDefault(l)?.Contains(e.Label) == true))
        {
            if (stream.Set(label, e.Id, e.State == EventState.Opened, _time.GetTimestamp()) || stream.IsNews)
                stream.Changed.Add(label);
        }

        return stream.IsNews || stream.Changed.Count > 0;
    }

    private void Wake()
    {
        try
        {
            _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It is awake.
        }
    }

    /// <summary>After a connection: everything that is retained is to be told again.</summary>
    private async Task BeginAsync(CancellationToken cancellation)
    {
        await _link!.SubscribeAsync(
            [_topics.Status, _topics.AllLabels, .. _home is null ? (string[])[] : [_home.Birth]], cancellation).ConfigureAwait(false);
        await _link.PublishAsync(_topics.Status, "online", isRetained: true, cancellation).ConfigureAwait(false);
        TellAllAgain();
    }

    private void TellAllAgain()
    {
        lock (_lock)
        {
            foreach (var stream in _streams.Values)
            {
                (stream.IsNews, stream.State) = (true, null);
                stream.Changed.UnionWith(stream.Labels);
            }
        }

        Wake();
    }

    /// <summary>Takes a message of the broker's; on its thread, which must not wait for an answer.</summary>
    private void Receive(string topic, string payload)
    {
        if (topic == _home?.Birth)
        {
            if (payload == "online")
                TellAllAgain();
        }
        else if (topic == _topics.Status)
        {
            _sayOnline |= payload == "offline" && !_isEnding; // the will of a connection of before, which came late
            Wake();
        }
        else if (payload == "ON")
        {
            lock (_lock)
            {
                if (!_streams.Values.Any(s => s.Labels.Any(l => s.IsOn(l) && _topics.Label(s.Name, l) == topic)))
                    _stale.Add(topic);
            }

            Wake();
        }
    }

    /// <summary>Publishes what is new, each second and when it is woken. What fails is published again later.</summary>
    private async Task TickAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await _wake.WaitAsync(s_tick, stop).ConfigureAwait(false);
                try
                {
                    if (_link!.IsConnected)
                        await TellAsync(stop).ConfigureAwait(false);
                }
                catch (SinkException)
                {
                    // The link tells of it.
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run has ended.
        }
    }

    private async Task TellAsync(CancellationToken cancellation)
    {
        if (_sayOnline)
        {
            _sayOnline = false;
            await _link!.PublishAsync(_topics.Status, "online", isRetained: true, cancellation).ConfigureAwait(false);
        }

        var sources = (_report?.Sources ?? []).ToLookup(s => s.Stream, StringComparer.Ordinal);
        List<MqttStream> streams;
        List<string> stale;
        lock (_lock)
        {
            foreach (var source in sources)
            {
                if (Known(source.Key) is { IsLive: false } live)
                    (live.IsLive, live.IsNews) = (true, true);
            }

            streams = [.. _streams.Values];
            stale = [.. _stale];
            _stale.Clear();
            foreach (var stream in streams)
                stream.Changed.UnionWith(stream.CloseOld(since => _time.GetElapsedTime(since) >= _options.OffAfter));
        }

        foreach (var topic in stale)
            await _link!.PublishAsync(topic, "OFF", isRetained: true, cancellation).ConfigureAwait(false);
        foreach (var stream in streams)
            await TellAsync(stream, sources[stream.Name].FirstOrDefault(), cancellation).ConfigureAwait(false);
    }

    private async Task TellAsync(MqttStream stream, SourceHealth? source, CancellationToken cancellation)
    {
        string? description = null;
        List<(string Label, bool IsOn)> labels;
        lock (_lock)
        {
            if (stream.IsNews && _home is not null)
                description = _home.Describe(stream.Name, stream.Labels, stream.IsLive);
            stream.IsNews = false;
            labels = [.. stream.Changed.Select(l => (l, stream.IsOn(l)))];
            stream.Changed.Clear();
        }

        try
        {
            if (description is not null)
                await _link!.PublishAsync(_home!.Topic(stream.Name), description, isRetained: true, cancellation).ConfigureAwait(false);
            foreach (var (label, isOn) in labels)
                await _link!.PublishAsync(_topics.Label(stream.Name, label), isOn ? "ON" : "OFF", isRetained: true, cancellation)
                    .ConfigureAwait(false);
            if (source is not null && (source.State.SnakeCase() != stream.State || _time.GetElapsedTime(stream.StateAt) >= _options.Every))
            {
                await _link!.PublishAsync(_topics.State(stream.Name), StateOf(source), isRetained: true, cancellation)
                    .ConfigureAwait(false);
                (stream.State, stream.StateAt) = (source.State.SnakeCase(), _time.GetTimestamp());
            }
        }
        catch (SinkException)
        {
            lock (_lock)
            {
                stream.IsNews |= description is not null;
                stream.Changed.UnionWith(labels.Select(l => l.Label));
            }

            throw;
        }
    }

    private static string StateOf(SourceHealth source) => new JsonObject
    {
        ["state"] = source.State.SnakeCase(),
        ["level"] = source.Meter is { } meter ? Math.Round(meter.RmsDb, 1) : null,
        ["peak"] = source.Meter is { } peak ? Math.Round(peak.PeakDb, 1) : null,
        ["reconnects"] = source.Reconnects,
    }.ToJsonString();
}
