using System.Security.Cryptography;
using System.Text;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// What one model knows of how streams usually sound, in memory while they last, and in a folder, a file for each stream and weights. A
/// model that takes the place of another one goes on with it where it has the same weights. Files are read as a stream begins, and written
/// beside the work.
/// </summary>
internal sealed class UnusualSounds : IAsyncDisposable
{
    private const long MostMemory = 256 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // at the end

    private readonly TimeZoneInfo _zone;
    private readonly RunReport _report;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, UnusualStream> _streams = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _toWrite = new(StringComparer.Ordinal); // by file, what is newest; as many as streams
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);
    private readonly Signal _news = new();
    private FileStream? _held; // the folder's files of this model, for this run alone
    private Task _writing = Task.CompletedTask;
    private volatile bool _isOver;

    /// <summary>Makes one; nothing is opened yet.</summary>
    /// <param name="model">The model's name in the pipeline.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="zone">Where it is that hour of the day.</param>
    /// <param name="report">Hears of troubles.</param>
    public UnusualSounds(string model, string folder, TimeZoneInfo zone, RunReport report) =>
        (Model, Folder, _zone, _report) = (model, folder, zone, report);

    /// <summary>The model's name in the pipeline.</summary>
    public string Model { get; }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>Makes the folder, and holds its files of this model; where it has them, nothing is done.</summary>
    /// <exception cref="ModelExecutionException">It can't be had.</exception>
    public void Open()
    {
        if (_held is not null)
            return;
        try
        {
            Directory.CreateDirectory(Folder);
            _held = new FileStream(Path.Combine(Folder, $"{Model}.lock"), FileMode.Create, FileAccess.Write, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelExecutionException(
                $"events.unusual.data: {Folder} can't be used: {e.Message}; expected a folder that may be written to, and that no "
                    + "other run has");
        }

        _writing = Task.Run(WriteAsync);
    }

    /// <summary>A stream, as it is known; null where it is none of those, has no time, or is one too many.</summary>
    /// <param name="rule">Which streams, and when one sounds unusual.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="hash">The hash of the model whose embeddings come.</param>
    /// <param name="dimensions">Their values.</param>
    public UnusualStream? Begin(UnusualRule rule, StreamInfo stream, string hash, int dimensions)
    {
        if (!rule.Has(stream.Id))
            return null;
        if (stream.TimeAt(0) is null)
        {
            Say("time", $"stream {stream.Id} (and perhaps others): nobody knows when it was heard, so it has no hour of the day, and is "
                + "not listened to for unusual sound");
            return null;
        }

        lock (_lock)
        {
            var name = $"{stream.Source}/{stream.Id}";
            if (_streams.GetValueOrDefault(name) is not { } known || known.Hash != hash || known.Dimensions != dimensions)
            {
                if (!HasRoom(dimensions))
                    return null;
                _streams[name] = known = Load(stream, new UnusualStream(FileOf(name, hash), hash, dimensions, rule.Options, _zone));
            }

            known.Options = rule.Options;
            known.Uses++;
            return known;
        }
    }

    /// <summary>A stream is over, or somebody else's: what is known of it is written.</summary>
    public void End(UnusualStream stream)
    {
        lock (_lock)
            stream.Uses--;
        Save(stream);
    }

    /// <summary>What is known of a stream goes to its file, where something is new.</summary>
    public void Save(UnusualStream stream)
    {
        if (stream.File is not { } file || stream.Save() is not { } state)
            return;
        lock (_toWrite)
            _toWrite[file] = state;
        _news.Set();
    }

    public async ValueTask DisposeAsync()
    {
        _isOver = true;
        _news.Set();
        if (await Task.WhenAny(_writing, Task.Delay(s_patience)).ConfigureAwait(false) != _writing)
            Say("end", $"what is known of some streams is not written: {Folder} does not answer");
        if (_held is not null)
            await _held.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Makes room for one more, where one that is known is over.</summary>
    private bool HasRoom(int dimensions)
    {
        var most = (int)Math.Max(1, MostMemory / UnusualStream.Bytes(dimensions));
        if (_streams.Count < most)
            return true;
        if (_streams.FirstOrDefault(s => s.Value.Uses == 0).Key is { } over)
            return _streams.Remove(over);
        Say("many", $"{most} streams are listened to for unusual sound, which is as many as memory is allowed for; others are not: name "
            + "some in events.unusual.streams");
        return false;
    }

    private UnusualStream Load(StreamInfo stream, UnusualStream known)
    {
        try
        {
            if (!File.Exists(known.File) || known.Restore(File.ReadAllBytes(known.File!)) is not { } why)
                return known;
            File.Move(known.File!, known.File + ".damaged", overwrite: true);
            _report.Warn(stream.Source, $"stream {stream.Id}: {known.File} {why}; it is kept as .damaged, and what the stream usually "
                + "sounds like is learnt anew");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _report.Warn(stream.Source, $"stream {stream.Id}: {known.File} can't be read: {e.Message}; what it usually sounds like is "
                + "learnt anew, and not kept");
            known.File = null;
        }

        return known;
    }

    private async Task WriteAsync()
    {
        while (true)
        {
            KeyValuePair<string, byte[]> next;
            lock (_toWrite)
            {
                next = _toWrite.FirstOrDefault();
                if (next.Key is not null)
                    _toWrite.Remove(next.Key);
            }

            if (next.Key is not null)
                Write(next.Key, next.Value);
            else if (_isOver)
                return;
            else
                await _news.WaitAsync().ConfigureAwait(false);
        }
    }

    private void Write(string file, byte[] state)
    {
        var made = file + ".new";
        try
        {
            using (var output = new FileStream(made, FileMode.Create, FileAccess.Write))
            {
                output.Write(state);
                output.Flush(flushToDisk: true);
            }

            File.Move(made, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say("disk", $"{file} can't be written: {e.Message}; what is known of a stream is lost where this run ends before it can");
            try
            {
                File.Delete(made);
            }
            catch (Exception d) when (d is IOException or UnauthorizedAccessException)
            {
                // It stays, and is written over by the next one.
            }
        }
    }

    /// <summary>Warns of each kind of trouble once.</summary>
    private void Say(string kind, string message)
    {
        lock (_said)
        {
            if (!_said.Add(kind))
                return;
        }

        _report.Warn(Model, message);
    }

    /// <summary>Names of streams may be anything.</summary>
    private string FileOf(string stream, string hash)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stream)))[..20];
        return Path.Combine(Folder, $"{Model}-{name}-{hash[..Math.Min(8, hash.Length)]}.usual");
    }
}
