using AstStream.Dsp;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;
using Microsoft.Extensions.FileSystemGlobbing;
using Microsoft.Extensions.FileSystemGlobbing.Abstractions;

namespace AstStream.Connectors;

/// <summary>
/// WAV files by paths, folders and glob patterns, one after another in the order of their names, each a stream of its own.
/// A bad file is reported and the next one is read.
/// </summary>
public sealed class FileSource : IAudioSource
{
    private const int MaxGlobEntries = 1_000_000;

    internal static readonly Key<IReadOnlyList<string>?> Path = Keys.Texts("path", "A WAV file, a folder (all .wav files below it), or a pattern with * and **; or a list of these. Relative to this file.", required: true);
    internal static readonly Key<string> Pace = Keys.Choice("pace", "fast (the default): as fast as the model goes. realtime: as fast as it was recorded.", "fast", "fast", "realtime");
    internal static readonly Key<TimeSpan?> Block = Keys.Duration("block", "Sound that is read at once; 100ms by default.", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new("file", "Reads WAV files.", [Path, Pace, Channels.Key, Block], section => new FileSource(section));

    private readonly string _baseFolder;
    private readonly IReadOnlyList<string> _paths;
    private readonly bool _isRealtime;
    private readonly TimeSpan _block;
    private readonly int? _channel;
    private readonly TimeProvider _time;

    private FileSource(SectionReader section)
    {
        _baseFolder = section.BaseFolder;
        _paths = section.Get(Path) ?? [];
        _isRealtime = section.Get(Pace) == "realtime";
        _block = section.Get(Block) ?? TimeSpan.FromMilliseconds(100);
        _channel = Channels.Read(section);
        _time = TimeProvider.System;
    }

    /// <inheritdoc/>
    public string Description => $"WAV {string.Join(", ", _paths)}{(_isRealtime ? ", in real time" : "")}";

    /// <inheritdoc/>
    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        // A pipeline that names one plain file has one stream; else the file's name tells the streams apart.
        var isSingle = _paths.Count == 1 && !IsPattern(_paths[0]) && !Directory.Exists(System.IO.Path.GetFullPath(_paths[0], _baseFolder));
        foreach (var path in _paths)
        {
            var files = Expand(path);
            if (files.Count == 0)
                output.Fail($"{path}: no .wav file matches in {_baseFolder}");
            foreach (var (file, name) in files)
            {
                if (stop.IsCancellationRequested)
                    return;
                await ReadAsync(file, isSingle ? output.Source : $"{output.Source}/{name}", output, stop, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The files that a path, folder or pattern stands for, sorted, with the names that tell them apart.</summary>
    private List<(string File, string Name)> Expand(string path)
    {
        var full = System.IO.Path.GetFullPath(path, _baseFolder);
        if (!IsPattern(path))
        {
            if (!Directory.Exists(full))
                return [(full, System.IO.Path.GetFileName(full))];
            return Match(full, "**/*.wav");
        }

        // The folder before the first wildcard is where the search begins.
        var parts = full.Split('/');
        var fixedParts = parts.TakeWhile(p => !IsPattern(p)).ToArray();
        return Match(fixedParts.Length == 1 ? "/" : string.Join('/', fixedParts), string.Join('/', parts.Skip(fixedParts.Length)));
    }

    private static List<(string File, string Name)> Match(string folder, string pattern)
    {
        if (!Directory.Exists(folder))
            return [];
        var matcher = new Matcher(StringComparison.OrdinalIgnoreCase).AddInclude(pattern);
        return [.. matcher.Execute(new DirectoryInfoWrapper(new DirectoryInfo(folder))).Files
            .Take(MaxGlobEntries)
            .Select(f => (System.IO.Path.GetFullPath(f.Path, folder), f.Path))
            .OrderBy(f => f.Path, StringComparer.Ordinal)];
    }

    private static bool IsPattern(string path) => path.Contains('*', StringComparison.Ordinal);

    private async Task ReadAsync(string file, string id, SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        try
        {
            using var reader = WavReader.Open(file, _channel);
            var rate = reader.Format.SampleRate;
            var stream = new StreamInfo(id, output.Source, _isRealtime ? _time.GetUtcNow() : null);
            var pacer = _isRealtime ? new Pacer(_time, rate) : null;
            var size = Math.Max(1, (int)(_block.TotalSeconds * rate));
            long position = 0;
            try
            {
                while (!stop.IsCancellationRequested)
                {
                    var block = AudioBlock.Rent(stream, MessageKind.Data, position);
                    block.SampleRate = rate;
                    var read = reader.Read(block.Resize(size));
                    if (read == 0)
                    {
                        block.Return();
                        break;
                    }

                    block.Resize(read);
                    position += read;
                    if (pacer is not null && !await pacer.WaitUntilAsync(position, stop).ConfigureAwait(false))
                    {
                        position -= read;
                        block.Return();
                        break;
                    }

                    await output.WriteAsync(block, cancellation).ConfigureAwait(false);
                }
            }
            finally
            {
                await output.EndAsync(stream, rate, position, cancellation).ConfigureAwait(false);
            }

            if (reader.Truncation is { } truncation)
                output.Fail(truncation);
            if (position == 0 && !stop.IsCancellationRequested && reader.Truncation is null)
                output.Fail($"{file}: holds no sound (0 samples)");
            if (reader.InvalidSamples > 0)
                output.Fail($"{file}: {reader.InvalidSamples} samples were not finite or absurdly large; they were read as silence or clamped");
        }
        catch (InvalidAudioException e)
        {
            output.Fail(e.Message);
        }
    }
}
