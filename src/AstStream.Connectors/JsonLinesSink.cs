using System.Buffers;
using AstStream.Events;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;

namespace AstStream.Connectors;

/// <summary>
/// Appends events to a file, one JSON object a line. A line that an earlier crash cut short is ended first, so that it can't
/// spoil the next one. When the file is large enough it becomes FILE.1, FILE.1 becomes FILE.2, and so on.
/// </summary>
public sealed class JsonLinesSink : IEventSink
{
    internal static readonly Key<string?> Path = Keys.Text("path", "The file; relative to this file. It is appended to; file and folder are made where they are missing.", required: true);
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices("states", "Which states are written: closed (the default), opened, or both.", ["closed"], "opened", "closed");
    internal static readonly Key<string> Flush = Keys.Choice("flush", "When lines reach the operating system: idle (the default) when no event waits, event after each one; disk also waits for the disk.", "idle", "idle", "event", "disk");
    internal static readonly Key<long?> RotateSize = Keys.Size("rotate_size", "The size from which on another file is begun; never by default.", 1_000, 1_000_000_000_000);
    internal static readonly Key<int> Keep = Keys.Integer("keep", "Older files that are kept when rotating; 10 by default.", 10, 1, 10_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "jsonl", "Appends events to a file as JSON Lines.", [Path, States, Flush, RotateSize, Keep], section => new JsonLinesSink(section))
    {
        Writes = section => section.Get(Path) is { } path ? section.ResolveLinks(path) : null,
    };

    private readonly string _path;
    private readonly IReadOnlyList<string> _states;
    private readonly string _flush;
    private readonly long _rotateSize;
    private readonly int _keep;
    private readonly ArrayBufferWriter<byte> _line = new();
    private FileStream? _file;
    private long _length;

    internal JsonLinesSink(SectionReader section)
    {
        _path = Type.Writes(section) ?? "";
        _states = section.Get(States);
        _flush = section.Get(Flush);
        _rotateSize = section.Get(RotateSize) ?? long.MaxValue;
        _keep = section.Get(Keep);
    }

    /// <inheritdoc/>
    public string Description => $"JSON Lines to {_path}";

    /// <inheritdoc/>
    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(_path) ?? _path);
            OpenFile();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SinkException($"{_path}: can't be opened for appending: {e.Message}");
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(SoundEvent e, CancellationToken cancellation)
    {
        if (!_states.Contains(e.State == EventState.Opened ? "opened" : "closed"))
            return ValueTask.CompletedTask;
        _line.ResetWrittenCount();
        EventJson.Write(_line, e);
        _line.Write("\n"u8);
        try
        {
            if (_length > 0 && _length + _line.WrittenCount > _rotateSize)
                Rotate();
            _file!.Write(_line.WrittenSpan);
            _length += _line.WrittenCount;
            if (_flush != "idle")
                _file.Flush(flushToDisk: _flush == "disk");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failed(error);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        try
        {
            _file!.Flush();
        }
        catch (IOException e)
        {
            throw Failed(e);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_file is not { } file)
            return;
        _file = null;
        try
        {
            await file.DisposeAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    private void OpenFile()
    {
        _file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 65536);
        if (!_file.CanSeek)
            throw new SinkException($"{_path}: is a pipe; expected a file");
        _length = _file.Length;
        if (_length > 0)
        {
            _file.Position = _length - 1;
            if (_file.ReadByte() != '\n')
            {
                _file.WriteByte((byte)'\n');
                _length++;
            }
        }
    }

    private void Rotate()
    {
        _file!.Dispose();
        for (var i = _keep - 1; i >= 1; i--)
        {
            if (File.Exists($"{_path}.{i}"))
                File.Move($"{_path}.{i}", $"{_path}.{i + 1}", overwrite: true);
        }

        File.Move(_path, $"{_path}.1", overwrite: true);
        OpenFile();
    }

    private SinkException Failed(Exception e) => new($"{_path}: writing failed: {e.Message}");
}

/// <summary>A sink that can't write. The message says where, what happened and what to do.</summary>
public sealed class SinkException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    public SinkException(string message)
        : base(message)
    {
    }
}
