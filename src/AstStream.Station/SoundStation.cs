using System.Runtime.CompilerServices;
using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Station.Levels;
using AstStream.Station.Live;
using AstStream.Station.Notify;
using AstStream.Station.Store;
using AstStream.Station.Web;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using Microsoft.Extensions.Logging;

namespace AstStream.Station;

/// <summary>
/// The station of a run: keeps its events, coverage and clips in a folder, and knows what its streams are like now. To the engine it is a
/// sink, and who follows each stream.
/// </summary>
public sealed class SoundStation : ISink
{
    private static readonly TimeSpan s_betweenCare = TimeSpan.FromMinutes(1);

    private readonly StationSettings _settings;
    private readonly Pipeline _pipeline;
    private readonly TimeProvider _time;
    private readonly StoreSink _store;
    private readonly SoundMemory _memory;
    private readonly LevelQueue? _levels; // null where they are not measured
    private readonly ConditionalWeakTable<Vocabulary, ModelClasses> _classes = [];
    private readonly CancellationTokenSource _stop = new();
    private ISinkReport? _report;
    private ClipFiles? _files; // from when it is opened, where clips are kept
    private ClipCounts? _counts;
    private FileStream? _held; // the folder, for this run alone
    private Task _care = Task.CompletedTask;
    private Task _measuring = Task.CompletedTask;

    private SoundStation(StationSettings settings, Pipeline pipeline, TimeProvider time)
    {
        (_settings, _pipeline, _time) = (settings, pipeline, time);
        _memory = new SoundMemory(settings.Memory);
        _store = StoreSink.Make(settings.StorePath, settings.EventAge, time, record =>
        {
            if (record is SoundEvent { ShadowOf: null } e)
                Feed.Publish(e);
        }, settings.LevelAge);
        if (settings.Levels != LevelDetail.None)
            _levels = new LevelQueue(minutes => _store.Use(s => s.Add(minutes)), w => _report?.Warn(w), time);
    }

    /// <inheritdoc/>
    public string Description => $"station {_settings.Data}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => (_report, _store.Report) = (value, value);
    }

    /// <summary>The streams as they are now.</summary>
    internal LiveStreams Streams { get; } = new();

    /// <summary>Events as they come into the store.</summary>
    internal EventFeed Feed { get; } = new();

    /// <summary>Those who look at what passes.</summary>
    internal Taps Taps { get; } = new();

    /// <summary>Where notifications wait.</summary>
    internal NoticeStore Notices => NoticeStore.Of(_settings.StorePath, _store.Use);

    /// <summary>The full path of a clip's file, from what the store says of it; null where no clips are kept.</summary>
    internal Func<string, string>? ClipPath =>
        _settings.Clips is null ? null : file => ClipFolder.FullPath(_settings.ClipPath, file);

    /// <summary>Hears reviews that came by the page or the API, after they are in the store.</summary>
    internal Action<IReadOnlyList<Review>> Reviewed { get; set; } = _ => { };

    /// <summary>Makes the station of a pipeline, before its graph is made; null where the definition has none.</summary>
    public static SoundStation? Of(Pipeline pipeline, TimeProvider time)
    {
        if (pipeline.Section<StationSettings>() is not { } settings)
            return null;
        var station = new SoundStation(settings, pipeline, time);
        pipeline.AddSink(StationSettings.Type.Name, station, new SinkOptions { Coverage = true, Shadows = true });
        (pipeline.Observe, pipeline.Embeds) = (station.Observe, true);
        return station;
    }

    /// <summary>Begins to serve the page, where the definition says so, before the run begins and until the server is disposed.</summary>
    /// <param name="run">What the page shows of the run.</param>
    /// <param name="log">Where troubles of the server go.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The address of the page, and what ends it; null where it is served nowhere.</returns>
    /// <exception cref="IOException">The address can't be had.</exception>
    public async Task<(string Address, IAsyncDisposable Server)?> ServeAsync(
        RunState run, ILoggerProvider log, CancellationToken cancellation)
    {
        if (_settings.Web is not { } web)
            return null;
        var source = new WebSource
        {
            Store = _settings.StorePath,
            ClipPath = file => ClipFolder.FullPath(_settings.ClipPath, file),
            Streams = Streams,
            Feed = Feed,
            Taps = Taps,
            Write = _store.Use,
            Reviewed = reviews => Reviewed(reviews),
            ClipTroubles = ClipTroubles,
            Run = run,
        };
        var server = await WebServer.StartAsync(web, source, log, _time, cancellation).ConfigureAwait(false);
        return (server.Address, server);
    }

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        _held = RunLock.Take(
            Path.Combine(_settings.Data, "station.lock"), _settings.Data,
            "a folder that may be written to, and that no other run keeps its station in");
        await _store.OpenAsync(cancellation).ConfigureAwait(false);
        try
        {
            _store.Use(s => s.CloseAll());
        }
        catch (StoreException e)
        {
            throw new SinkException(e.Message, e.IsTransient);
        }

        _measuring = _levels?.RunAsync(_stop.Token) ?? Task.CompletedTask;
        if (_settings.Clips is not { } clips)
            return;
        try
        {
            using var reader = ClipReader.Open(_settings.StorePath);
            var folder = new ClipFolder(_settings.ClipPath, _settings.Free, reader.Bytes(), _time);
            if (folder.RemoveUnknown(reader.Files(), _time.GetUtcNow() - _settings.ClipAge) is > 0 and var unknown)
                _report?.Note($"{unknown} old clips that the store does not know are removed");
            _files = new ClipFiles(folder, clips.Format, Keep, _time) { Warn = w => _report?.Warn(w) };
            _counts = _files.Counts;
            StationMetrics.Observe(() => (_counts, _memory.Used, folder.Bytes, Feed.Followers));
            if (clips.Format == ClipFormat.Flac && !Dsp.FlacWriter.IsThere)
                _report?.Note("libsndfile is not installed (apt-get install libsndfile1): clips are WAV files, twice as long as FLAC");
            _care = CareAsync(new ClipCare(
                folder, _settings.StorePath, id => _store.Use(s => s.RemoveClip(id)), _settings.ClipAge, _settings.Size, _time),
                _stop.Token);
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new SinkException($"{_settings.ClipPath}: clips can't be kept there: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation) => _store.WriteAsync(record, cancellation);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation) => _store.FlushAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        await _store.CompleteAsync(cancellation).ConfigureAwait(false);
        await EndClipsAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndClipsAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _care.ConfigureAwait(false);
        await _measuring.ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        if (_held is not null)
            await _held.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>A sentence for each kind of clip that is missing.</summary>
    private List<string> ClipTroubles()
    {
        var troubles = new List<string>();
        if (_counts is not { } counts)
            return troubles;
        foreach (var why in Enum.GetValues<ClipSkip>())
        {
            if (counts.Skipped(why) is > 0 and var events)
                troubles.Add(events + why switch
                {
                    ClipSkip.SoundGone => " events have no clip: their sound was no longer kept when they opened (station.clips.memory).",
                    ClipSkip.Busy => " events have no clip: more were open at once than can be written.",
                    ClipSkip.DiskFull => " events have no clip: less disk space was free than station.retention.free.",
                    _ => " clips could not be written.",
                });
        }

        return troubles;
    }

    private async ValueTask EndClipsAsync()
    {
        if (Interlocked.Exchange(ref _files, null) is { } files)
            await files.DisposeAsync().ConfigureAwait(false);
    }

    private IReadOnlyList<(string File, long Bytes)?> Keep(IReadOnlyList<StoredClip> clips)
    {
        IReadOnlyList<(string, long)?> replaced = [];
        _store.Use(s => replaced = s.Add(clips));
        return replaced;
    }

    private StreamObserver Observe(StreamInfo stream)
    {
        var clips = _settings.Clips is { } options && _files is { } files
            ? new StreamClips(stream, options, ClassesOf, stream.Models, _memory, files) : null;
        var levels = _levels is null ? null : new StreamLevels(stream, _settings.Levels == LevelDetail.Bands, _levels.Take, _time);
        return new StreamObserver(stream, clips, levels, Streams.Begin(stream, levels), Taps, Streams.End);
    }

    private ModelClasses ClassesOf(Vocabulary vocabulary) => _classes.GetValue(vocabulary, v =>
    {
        var hidden = v.Under(_settings.PrivateLabels);
        return new ModelClasses(
            v.Labels, _settings.ClipLabels is { } wanted ? v.Under(wanted) : null, hidden,
            [.. Enumerable.Range(0, v.Labels.Count).Where(c => hidden.Contains(v.Labels[c]))], v.WindowLength);
    });

    /// <summary>Removes clips that are to go, until it is stopped. What fails is said, and tried again.</summary>
    private async Task CareAsync(ClipCare care, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var hasMore = false;
                try
                {
                    (var removed, hasMore, var failure) = await Task.Run(care.Remove, stop).ConfigureAwait(false);
                    _counts?.Remove(removed);
                    if (failure is not null)
                        _report?.Warn($"some clips that are to go can't be removed: {failure}");
                }
                catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
                {
                    _report?.Warn($"clips that are to go can't be removed: {e.Message}");
                }

                if (!hasMore)
                    await Task.Delay(s_betweenCare, _time, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run has ended.
        }
    }
}
