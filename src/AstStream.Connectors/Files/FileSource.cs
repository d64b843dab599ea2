using System.Globalization;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Files;

/// <summary>
/// Files of sound by paths, folders and glob patterns, one after another in the order of their names, each a stream of its own.
/// A bad file is reported and the next one is read.
/// </summary>
public sealed class FileSource : IAudioSource
{
    private const int MaxFiles = 1_000_000;
    private const int Named = 5; // files that are left out

    internal static readonly Key<IReadOnlyList<string>?> Path = Keys.Texts(
        "path", "A file, a folder (all files of sound below it), or a pattern with * and **; or a list of these. Relative to this file. "
            + "Other formats than WAV need ffmpeg.", required: true);
    internal static readonly Key<string> Pace = Keys.Choice(
        "pace", "fast (the default): as fast as the model goes. realtime: as fast as it was recorded, as a live source, which never waits.",
        "fast", "fast", "realtime");
    internal static readonly Key<TimeSpan?> Block = Keys.Duration(
        "block", "Sound that is read at once; 100ms by default.", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));

    internal static readonly Key<string?> StartTime = Keys.Text(
        "start_time", "When recordings began. auto (the default): as the file says (GUANO, AudioMoth's comment, bext), else its name "
            + "(20260501_060000 and the like), else unknown. none: unknown. Of a single file also a time, such as "
            + "2026-05-01T06:00:00+02:00.");
    internal static readonly Key<string?> TimeZone = Keys.Text(
        "time_zone", "The zone of times in files and names that say none: local (the default), utc, or a name such as Europe/Berlin. "
            + "AudioMoth's names are UTC unless it was set otherwise.");
    internal static readonly Key<bool> Watch = Keys.Flag(
        "watch", "Whether files that come later are read, too, until the run is stopped: each once, when it has not changed for settle; "
            + "false by default. Which are done is kept in ledger.");
    internal static readonly Key<string?> Ledger = Keys.Text(
        "ledger", "The file in which watch keeps which files are done, so that a restart, or another run, repeats nothing; relative to "
            + "this file. Required with watch.");
    internal static readonly Key<TimeSpan?> Settle = Keys.Duration(
        "settle", "How long a watched file must not have changed; 10s by default.", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "file", "Reads files of sound: WAV, and any other format where ffmpeg is installed.",
        [Path, Pace, Block, StartTime, TimeZone, Watch, Ledger, Settle], Read);

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    private readonly Settings _settings;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly HashSet<string> _told = new(StringComparer.Ordinal); // what was said and need not be said again

    private FileSource(Settings settings) => _settings = settings;

    /// <inheritdoc/>
    public string Description => $"{string.Join(", ", _settings.Paths)}{(_settings.IsRealtime ? ", in real time" : "")}"
        + (_settings.Ledger is null ? "" : ", watched");

    /// <inheritdoc/>
    public bool IsLive => _settings.IsRealtime;

    /// <inheritdoc/>
    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        if (_settings.Ledger is { } ledger)
        {
            FileLedger done;
            try
            {
                done = FileLedger.Open(ledger, _time);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                output.Fail($"ledger: {ledger} can't be used: {e.Message}; expected a file that may be written to");
                return;
            }

            await WatchAsync(done, output, stop, cancellation).ConfigureAwait(false);
            return;
        }

        // A pipeline that names one plain file has one stream; else the files' paths tell the streams apart.
        var isSingle = _settings.IsSingle && !Directory.Exists(Full(_settings.Paths[0]));
        if (_settings.StartTime is not null && !isSingle)
            output.Fail("start_time: is one time, and there may be several files; expected auto or none");
        var all = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in _settings.Paths)
        {
            var files = Expand(path, output, stop);
            if (files.Count == 0 && !stop.IsCancellationRequested)
                output.Fail($"{path}: no file {(IsPattern(path) ? "matches" : "of sound is there")} ({Full(path)})");
            all.AddRange(files.Where(seen.Add));
        }

        var progress = new FileProgress(output.Note, _time);
        var sizes = all.Count > 1 ? all.Select(LengthOf).ToList() : [0];
        progress.Begin(all.Count, sizes.Sum());
        foreach (var (index, file) in all.Index())
        {
            if (stop.IsCancellationRequested)
                return;
            await PlayAsync(file, isSingle, null, output, stop, cancellation).ConfigureAwait(false);
            progress.Step(sizes[index]);
        }
    }

    /// <summary>Reads what is there and what comes, until it is stopped. Each file is done when all of it is published.</summary>
    private async Task WatchAsync(FileLedger ledger, SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        var (watch, progress) = (new FolderWatch(_settings.Settle, _time), new FileProgress(output.Note, _time));
        var begun = new HashSet<string>(StringComparer.Ordinal); // by this run, and not in the ledger yet
        if (ledger.Count > 0)
            output.Note($"{ledger.Count} files are done, by {_settings.Ledger}");
        while (!stop.IsCancellationRequested)
        {
            foreach (var path in _settings.Paths.Where(p => !IsPattern(p)))
            {
                var isThere = Directory.Exists(Full(path)) || File.Exists(Full(path));
                if (!isThere && _told.Add($"away {path}"))
                    output.Warn($"{path}: is not there ({Full(path)}); it is waited for");
                else if (isThere && _told.Remove($"away {path}"))
                    output.Note($"{path}: is there now");
            }

            var found = _settings.Paths.SelectMany(p => Expand(p, output, stop)).Distinct(StringComparer.Ordinal)
                .Select(f => (File: f, Info: UnixFile.Of(f)))
                .Where(f => f.Info is { IsRegular: true } i && !begun.Contains(f.File) && !ledger.Has(f.File, i.Size))
                .Select(f => (f.File, f.Info!.Value.Size, f.Info.Value.Written));
            var ready = watch.Look(found);
            progress.Begin(ready.Count, ready.Sum(r => r.Size));
            foreach (var (file, size) in ready)
            {
                if (stop.IsCancellationRequested)
                    return;
                begun.Add(file);
                var delivery = new FileDelivery(() => Note(ledger, file, size, isGood: true, output));
                if (!await PlayAsync(file, false, delivery, output, stop, cancellation).ConfigureAwait(false))
                {
                    Note(ledger, file, size, isGood: false, output);
                    begun.Remove(file);
                }

                progress.Step(size);
            }

            try
            {
                await Task.Delay(s_betweenLooks, _time, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static void Note(FileLedger ledger, string file, long size, bool isGood, SourceOutput output)
    {
        try
        {
            ledger.Add(file, size, isGood);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            output.Warn($"{file} is done, which the ledger can't be told: {e.Message}; a restart reads it again");
        }
    }

    private Task<bool> PlayAsync(
        string file, bool isSingle, IDelivery? delivery, SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        var play = new FilePlay(isSingle ? output.Source : $"{output.Source}/{Name(file)}", _settings.Block)
        {
            Pace = _settings.IsRealtime ? _time : null,
            StartTime = isSingle && _settings.StartTime is { } known ? known
                : _settings.FindsStart ? RecordingTime.Of(file, _settings.Zone) : null,
            Delivery = delivery,
        };
        return AudioFile.PlayAsync(() => AudioFile.OpenAsync(file, _settings.Channel, stop), play, output, stop, cancellation);
    }

    private static long LengthOf(string file) => UnixFile.Of(file)?.Size ?? 0;

    /// <summary>The files that a path, folder or pattern stands for, in the order of their names.</summary>
    private List<string> Expand(string path, SourceOutput output, CancellationToken stop)
    {
        var full = Full(path);
        if (!IsPattern(path))
            return Directory.Exists(full) ? Find(
                full, p => SoundFolder.Endings.Contains(System.IO.Path.GetExtension(p)), tellsRest: true, output, stop) : [full];

        // The folder before the first wildcard is where the search begins.
        var parts = full.Split('/');
        var fixedParts = parts.TakeWhile(p => !IsPattern(p)).ToArray();
        return Find(fixedParts.Length == 1 ? "/" : string.Join(
            '/', fixedParts), SoundFolder.Pattern(string.Join('/', parts.Skip(fixedParts.Length))), tellsRest: false, output, stop);
    }

    private List<string> Find(
        string folder, Func<string, bool> isWanted, bool tellsRest, SourceOutput output, CancellationToken stop)
    {
        var (found, others, named) = (new List<string>(), 0, new List<string>());
        if (!Directory.Exists(folder))
            return found;
        foreach (var file in SoundFolder.Files(folder, stop))
        {
            var below = file[(folder.EndsWith('/') ? folder.Length : folder.Length + 1)..];
            if (!isWanted(below))
            {
                others++;
                if (named.Count < Named)
                    named.Add(below);
                continue;
            }

            if (found.Count == MaxFiles)
            {
                output.Fail($"{folder}: more than {MaxFiles} files match; the others are not read");
                break;
            }

            found.Add(file);
        }

        if (stop.IsCancellationRequested)
            return [];
        if (tellsRest && others > 0 && _told.Add(folder))
        {
            named.Sort(StringComparer.Ordinal);
            output.Note($"{folder}: {others} {(others == 1 ? "file is" : "files are")} left out, whose names do not end as files of sound "
                + $"do: {string.Join(", ", named)}{(others > named.Count ? ", …" : "")}; a pattern takes them all the same");
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private string Full(string path) => System.IO.Path.GetFullPath(path, _settings.BaseFolder);

    /// <summary>A file's path from the definition's folder on, or its full path where it lies elsewhere.</summary>
    private string Name(string file)
    {
        var relative = System.IO.Path.GetRelativePath(_settings.BaseFolder, file);
        return relative.StartsWith("..", StringComparison.Ordinal) ? file.TrimStart('/') : relative;
    }

    private static bool IsPattern(string path) => path.Contains('*', StringComparison.Ordinal);

    private static Settings Read(SectionReader section)
    {
        var settings = new Settings(
            section.BaseFolder, section.Get(Path) ?? [], section.Get(Pace) == "realtime",
            section.Get(Block) ?? TimeSpan.FromMilliseconds(100), section.Get(SourceKeys.Channel))
        {
            Settle = section.Get(Settle) ?? TimeSpan.FromSeconds(10),
            Ledger = section.Get(Watch) && section.Get(Ledger) is { } ledger ? section.ResolveLinks(ledger) : null,
        };
        if (section.Get(Watch) && !section.Has(Ledger))
            section.Problem(Ledger, "is missing beside watch; expected a file that keeps which files are done, such as recordings.done");
        if (section.Get(Watch) && settings.IsRealtime)
            section.Problem(Watch, "stands beside pace: realtime; expected files that are read as fast as the model goes");
        foreach (var key in ((Key[])[Ledger, Settle]).Where(k => section.Has(k) && !section.Get(Watch)))
            section.Problem(key, "is of no use without watch: true");
        var (start, zone) = (section.Get(StartTime) ?? "auto", section.Get(TimeZone) ?? "local");
        settings = settings with { FindsStart = start == "auto" };
        if (start is not ("auto" or "none"))
        {
            if (DateTimeOffset.TryParse(start, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time))
                settings = settings with { StartTime = time };
            else
                section.Problem(StartTime, $"found '{start}'; expected auto, none, or a time such as 2026-05-01T06:00:00+02:00");
            if (section.Get(Watch) || !settings.IsSingle)
                section.Problem(StartTime, "is one time, and there may be several files; expected auto or none");
        }

        if (zone == "utc")
            return settings with { Zone = TimeZoneInfo.Utc };
        if (zone == "local")
            return settings;
        if (TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found))
            return settings with { Zone = found };
        section.Problem(TimeZone, $"found '{zone}'; expected local, utc, or a zone such as Europe/Berlin");
        return settings;
    }

    private sealed record Settings(string BaseFolder, IReadOnlyList<string> Paths, bool IsRealtime, TimeSpan Block, int? Channel)
        : SourceSettings
    {
        public string? Ledger { get; init; }

        public TimeSpan Settle { get; init; }

        public DateTimeOffset? StartTime { get; init; }

        public bool FindsStart { get; init; }

        public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Local;

        /// <summary>Whether it names one thing, a file or a folder.</summary>
        public bool IsSingle => Paths.Count == 1 && !IsPattern(Paths[0]);

        public override IReadOnlyList<Resource> Resources =>
        [
            .. Paths.Where(p => !IsPattern(p)).Select(p => Resource.Reads(SectionReader.RealPath(p, BaseFolder))),
            .. Ledger is { } ledger ? (Resource[])[Resource.Writes(ledger)] : [],
        ];

        public override IAudioSource Build(PipelineDefinition pipeline) => new FileSource(this);
    }
}
