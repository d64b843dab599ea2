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

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "file", "Reads files of sound: WAV, and any other format where ffmpeg is installed.", [Path, Pace, Block],
        section => new Settings(
            section.BaseFolder, section.Get(Path) ?? [], section.Get(Pace) == "realtime",
            section.Get(Block) ?? TimeSpan.FromMilliseconds(100), section.Get(SourceKeys.Channel)));

    private readonly string _baseFolder;
    private readonly IReadOnlyList<string> _paths;
    private readonly bool _isRealtime;
    private readonly TimeSpan _block;
    private readonly int? _channel;
    private readonly TimeProvider _time = TimeProvider.System;

    private FileSource(Settings settings) =>
        (_baseFolder, _paths, _isRealtime, _block, _channel) =
        (settings.BaseFolder, settings.Paths, settings.IsRealtime, settings.Block, settings.Channel);

    /// <inheritdoc/>
    public string Description => $"{string.Join(", ", _paths)}{(_isRealtime ? ", in real time" : "")}";

    /// <inheritdoc/>
    public bool IsLive => _isRealtime;

    /// <inheritdoc/>
    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        // A pipeline that names one plain file has one stream; else the files' paths tell the streams apart.
        var isSingle = _paths.Count == 1 && !IsPattern(_paths[0]) && !Directory.Exists(Full(_paths[0]));
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in _paths)
        {
            var files = Expand(path, output, stop);
            if (files.Count == 0 && !stop.IsCancellationRequested)
                output.Fail($"{path}: no file {(IsPattern(path) ? "matches" : "of sound is there")} ({Full(path)})");
            foreach (var file in files.Where(seen.Add))
            {
                if (stop.IsCancellationRequested)
                    return;
                await AudioFile.PlayAsync(
                    () => AudioFile.OpenAsync(file, _channel, stop), isSingle ? output.Source : $"{output.Source}/{Name(file)}", output,
                        _isRealtime ? _time : null, _block, stop, cancellation)
                    .ConfigureAwait(false);
            }
        }
    }

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

    private static List<string> Find(
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
        if (tellsRest && others > 0)
        {
            named.Sort(StringComparer.Ordinal);
            output.Note($"{folder}: {others} {(others == 1 ? "file is" : "files are")} left out, whose names do not end as files of sound "
                + $"do: {string.Join(", ", named)}{(others > named.Count ? ", …" : "")}; a pattern takes them all the same");
        }

        found.Sort(StringComparer.Ordinal);
        return found;
    }

    private string Full(string path) => System.IO.Path.GetFullPath(path, _baseFolder);

    /// <summary>A file's path from the definition's folder on, or its full path where it lies elsewhere.</summary>
    private string Name(string file)
    {
        var relative = System.IO.Path.GetRelativePath(_baseFolder, file);
        return relative.StartsWith("..", StringComparison.Ordinal) ? file.TrimStart('/') : relative;
    }

    private static bool IsPattern(string path) => path.Contains('*', StringComparison.Ordinal);

    private sealed record Settings(string BaseFolder, IReadOnlyList<string> Paths, bool IsRealtime, TimeSpan Block, int? Channel)
        : SourceSettings
    {
        public override IReadOnlyList<Resource> Resources =>
            [.. Paths.Where(p => !IsPattern(p)).Select(p => Resource.Reads(SectionReader.RealPath(p, BaseFolder)))];

        public override IAudioSource Build(PipelineDefinition pipeline) => new FileSource(this);
    }
}
