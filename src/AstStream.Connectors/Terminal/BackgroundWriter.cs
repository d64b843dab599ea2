using System.Text;

namespace AstStream.Connectors.Terminal;

/// <summary>
/// A text writer to a standard stream that never waits and never throws: what is written goes through a bounded queue to a thread of its
/// own. A reader that stands still, a full disk and a closed stream cost text, which is counted, and nothing else. Safe for all threads.
/// </summary>
public sealed class BackgroundWriter : TextWriter
{
    private const int Capacity = 1 << 18; // characters that may wait
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);

    private readonly Lock _starting = new();
    private readonly object _gate = new();
    private readonly int _fd;
    private readonly bool _tellsDrops;
    private Thread? _thread;

    // Under the gate.
    private readonly Queue<string> _waiting = new();
    private int _size; // characters that wait or are being written
    private long _written; // pieces
    private long _dropped; // lines
    private long _lastReport; // of these
    private int _error;

    private BackgroundWriter(int fd, bool isUsable, bool tellsDrops)
    {
        (_fd, _tellsDrops) = (fd, tellsDrops);
        _error = isUsable ? 0 : NativeOutput.NotOpen;
        NewLine = "\n";
    }

    /// <summary>The process's standard error; set up by <see cref="Start"/>.</summary>
    public static BackgroundWriter Error { get; private set; } = new(2, isUsable: true, tellsDrops: true);

    /// <summary>The process's standard output, for what runs for long.</summary>
    public static BackgroundWriter Output { get; private set; } = new(1, isUsable: true, tellsDrops: false);

    /// <inheritdoc/>
    public override Encoding Encoding { get; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Lines that could not be written.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
                return _dropped;
        }
    }

    /// <summary>Pieces of text that were written: it grows as long as somebody reads.</summary>
    public long Written
    {
        get
        {
            lock (_gate)
                return _written;
        }
    }

    /// <summary>Whether the stream is closed for good: nobody reads it any more.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
                return _error is NativeOutput.BrokenPipe or NativeOutput.NotOpen;
        }
    }

    /// <summary>What went wrong with the last write, in the system's words; null where nothing did.</summary>
    public string? Failure
    {
        get
        {
            lock (_gate)
                return _error == 0 ? null : NativeOutput.Describe(_error);
        }
    }

    /// <summary>
    /// Takes over the standard streams. To be called before anything else: what the process opens must not become one of them.
    /// </summary>
    public static void Start()
    {
        var usable = NativeOutput.Prepare();
        Output = new BackgroundWriter(1, usable[1], tellsDrops: false);
        Error = new BackgroundWriter(2, usable[2], tellsDrops: true);
        Console.SetError(Error);
    }

    /// <inheritdoc/>
    public override void Write(char value) => TryWrite(value.ToString());

    /// <inheritdoc/>
    public override void Write(string? value) => TryWrite(value ?? "");

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => TryWrite(new string(buffer, index, count));

    /// <inheritdoc/>
    public override void WriteLine(string? value) => TryWrite(value + NewLine);

    /// <summary>Takes a text. False where there is no room, or the stream is closed: its lines are counted as dropped then.</summary>
    public bool TryWrite(string text)
    {
        if (text.Length == 0)
            return true;
        StartThread();
        lock (_gate)
        {
            if (_error is NativeOutput.BrokenPipe or NativeOutput.NotOpen || (_size > 0 && _size + text.Length > Capacity))
            {
                _dropped += Lines(text);
                return false;
            }

            _waiting.Enqueue(text);
            _size += text.Length;
            Monitor.Pulse(_gate);
            return true;
        }
    }

    /// <summary>Whether a text would find room now.</summary>
    public bool HasRoom(int length)
    {
        lock (_gate)
            return _size == 0 || _size + length <= Capacity;
    }

    /// <summary>Waits until all is written, as long as something is written at least every so often; false where that stops.</summary>
    public async Task<bool> DrainAsync(TimeSpan patience, CancellationToken cancellation)
    {
        var (seen, since) = (Written, TimeProvider.System.GetTimestamp());
        while (true)
        {
            lock (_gate)
            {
                if (_size == 0)
                    return true;
                if (_written != seen)
                    (seen, since) = (_written, TimeProvider.System.GetTimestamp());
            }

            if (TimeProvider.System.GetElapsedTime(since) > patience)
                return false;
            await Task.Delay(s_interval, cancellation).ConfigureAwait(false);
        }
    }

    private static int Lines(string text) => Math.Max(1, text.Count(c => c == '\n'));

    private void StartThread()
    {
        if (_thread is not null)
            return;
        lock (_starting)
        {
            if (_thread is not null)
                return;
            _thread = new Thread(Run) { IsBackground = true, Name = $"aststream output {_fd}" };
            _thread.Start();
        }
    }

    private void Run()
    {
        while (true)
        {
            string text;
            lock (_gate)
            {
                while (_waiting.Count == 0)
                    Monitor.Wait(_gate);
                text = _waiting.Dequeue();
            }

            var error = NativeOutput.Write(_fd, Encoding.GetBytes(text));
            var note = "";
            lock (_gate)
            {
                _size -= text.Length;
                _written++;
                _error = error;
                if (error != 0)
                    _dropped += Lines(text);
                else if (_tellsDrops && _dropped > _lastReport)
                    (note, _lastReport) = ($"warning: {_dropped - _lastReport} lines could not be written here\n", _dropped);
                if (error is NativeOutput.BrokenPipe or NativeOutput.NotOpen)
                {
                    _dropped += _waiting.Sum(Lines);
                    _waiting.Clear();
                    _size = 0;
                }
            }

            if (note.Length > 0)
                _ = NativeOutput.Write(_fd, Encoding.GetBytes(note));
        }
    }
}
