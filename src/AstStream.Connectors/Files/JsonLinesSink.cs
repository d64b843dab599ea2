using System.Buffers;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Connectors.Files;

/// <summary>
/// Appends records to a file, one JSON object a line. A line that an earlier crash cut short is ended first, so that it can't spoil the
/// next one. When the file is large enough it becomes FILE.1, FILE.1 becomes FILE.2, and so on. Tools that rotate logs may move the file,
/// remove it or cut it to nothing at any time: what comes next is in the file of that name. No other process may write to it meanwhile.
/// </summary>
public sealed class JsonLinesSink : ISink
{
    private const int MaxHeld = 65536; // bytes of lines

    internal static readonly Key<string?> Path = Keys.Text(
        "path", "The file; relative to this file. It is appended to; file and folder are made where they are missing.", required: true);
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices(
        "states", "Which states are written: closed (the default), opened, or both.", ["closed"], "opened", "closed");
    internal static readonly Key<string> Flush = Keys.Choice("flush", "When lines reach the operating system: idle (the default) when no "
        + "event waits, event after each one; disk also waits for the disk.", "idle", "idle", "event", "disk");
    internal static readonly Key<long?> RotateSize = Keys.Size(
        "rotate_size", "The size from which on another file is begun; never by default.", 1_000, 1_000_000_000_000);
    internal static readonly Key<int> Keep = Keys.Integer("keep", "Older files that are kept when rotating; 10 by default.", 10, 1, 10_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "jsonl", "Appends events to a file as JSON Lines.", [Path, States, Flush, RotateSize, Keep], (section, _) => new Settings(
            section.Get(Path) is { } path ? section.ResolveLinks(path) : "", section.Get(States), section.Get(Flush),
            section.Get(RotateSize) ?? long.MaxValue, section.Get(Keep)))
    {
        Records = ["events", "coverage", "scores"],
    };

    private readonly string _path;
    private readonly IReadOnlyList<string> _states;
    private readonly string _flush;
    private readonly long _rotateSize;
    private readonly int _keep;
    private readonly ArrayBufferWriter<byte> _line = new();
    private readonly ArrayBufferWriter<byte> _lines = new(); // taken, and not in the file yet
    private AppendedFile? _file;
    private ISinkReport? _report;

    private JsonLinesSink(Settings settings) =>
        (_path, _states, _flush, _rotateSize, _keep) =
        (settings.Path, settings.States, settings.Flush, settings.RotateSize, settings.Keep);

    /// <inheritdoc/>
    public string Description => $"JSON Lines to {_path}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => _report = value;
    }

    /// <inheritdoc/>
    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(_path) ?? _path);
            _file = AppendedFile.Open(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SinkException($"{_path}: can't be opened for appending: {e.Message}");
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is SoundEvent e && !_states.Contains(e.State.SnakeCase()))
            return ValueTask.CompletedTask;
        if (_lines.WrittenCount >= MaxHeld)
            WriteLines();
        _line.ResetWrittenCount();
        RecordJson.Write(_line, record);
        _line.Write("\n"u8);
        var length = (_file?.Length ?? 0) + _lines.WrittenCount;
        if (length > 0 && length + _line.WrittenCount > _rotateSize)
        {
            WriteLines();
            Guarded(_ => Rotate());
        }

        _lines.Write(_line.WrittenSpan);
        if (_flush == "idle")
            return ValueTask.CompletedTask;
        try
        {
            WriteLines();
        }
        catch (SinkException)
        {
            // Not taken: the record will be offered again.
            var held = _lines.WrittenSpan[..^_line.WrittenCount].ToArray();
            _lines.ResetWrittenCount();
            _lines.Write(held);
            throw;
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        WriteLines();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_file is not { } file)
            return ValueTask.CompletedTask;
        try
        {
            WriteLines();
        }
        catch (SinkException e)
        {
            _report?.Drop(_lines.WrittenSpan.Count((byte)'\n'), $"the last lines are lost: {e.Message}");
        }
        finally
        {
            _file?.Dispose();
            _file = null;
            file.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Writes what is held.</summary>
    private void WriteLines()
    {
        if (_lines.WrittenCount == 0)
            return;
        Guarded(file =>
        {
            file.Append(_lines.WrittenSpan);
            if (_flush == "disk")
                file.FlushToDisk();
        });
        _lines.ResetWrittenCount();
    }

    private void Guarded(Action<AppendedFile> write)
    {
        try
        {
            if (_file is { } open && !open.IsStillThere())
            {
                open.Dispose();
                _file = null; // moved or removed: the name is another file's, or nobody's
            }

            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(_path) ?? _path);
            write(_file ??= AppendedFile.Open(_path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SinkException($"{_path}: writing failed: {e.Message}", isTransient: true);
        }
    }

    private void Rotate()
    {
        _file!.Dispose();
        _file = null;

        // Up to the first free number: a try that failed half-way has made room already.
        var free = Enumerable.Range(1, _keep).FirstOrDefault(i => !File.Exists($"{_path}.{i}"), _keep);
        for (var i = free - 1; i >= 1; i--)
            File.Move($"{_path}.{i}", $"{_path}.{i + 1}", overwrite: true);

        File.Move(_path, $"{_path}.1", overwrite: true);
        _file = AppendedFile.Open(_path);
    }

    private sealed record Settings(string Path, IReadOnlyList<string> States, string Flush, long RotateSize, int Keep) : SinkSettings
    {
        public override IReadOnlyList<Resource> Resources => Path.Length > 0 ? [Resource.Writes(Path)] : [];

        public override ISink Build() => new JsonLinesSink(this);
    }
}
