using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// What one model knows of how streams usually sound, in memory while they last, and in a folder. A model that takes the place of another
/// one goes on with it where it has the same weights. Written beside: a disk that hangs holds nothing up.
/// </summary>
internal sealed class UnusualSounds : IAsyncDisposable
{
    private const long MostMemory = 256 << 20;
    private const int MostToWrite = 64; // streams at once
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5); // at the end

    private readonly TimeZoneInfo _zone;
    private readonly RunReport _report;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, UnusualStream> _streams = new(StringComparer.Ordinal);
    private readonly Channel<(string File, byte[] State)> _toWrite =
        Channel.CreateBounded<(string, byte[])>(new BoundedChannelOptions(MostToWrite) { SingleReader = true });
    private readonly Task _writing;
    private bool _hasWarned;

    /// <summary>Begins; nothing is read yet.</summary>
    /// <param name="model">The model's name in the pipeline.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="zone">Where it is that hour of the day.</param>
    /// <param name="report">Hears of troubles.</param>
    public UnusualSounds(string model, string folder, TimeZoneInfo zone, RunReport report)
    {
        (Model, Folder, _zone, _report) = (model, folder, zone, report);
        _writing = Task.Run(WriteAsync);
    }

    /// <summary>The model's name in the pipeline.</summary>
    public string Model { get; }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>A stream, as it is known; null where it is none of those, or one too many.</summary>
    /// <param name="rule">Which streams, and when one sounds unusual.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="hash">The hash of the model whose embeddings come.</param>
    /// <param name="dimensions">Their values.</param>
    public UnusualStream? Begin(UnusualRule rule, StreamInfo stream, string hash, int dimensions)
    {
        lock (_lock)
        {
            if (!rule.Has(stream.Id))
                return null;
            var name = $"{stream.Source}/{stream.Id}";
            if (_streams.GetValueOrDefault(name) is not { } known || known.Hash != hash || known.Dimensions != dimensions)
            {
                if (!HasRoom(dimensions))
                    return null;
                known = new UnusualStream(FileOf(name), hash, dimensions, rule.Options, _zone);
                Load(stream, known);
                _streams[name] = known;
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
        if (stream.Save() is { } state && !_toWrite.Writer.TryWrite((stream.File, state)))
            Warn($"what is known of some streams is not written: {Folder} is too slow");
    }

    public async ValueTask DisposeAsync()
    {
        _toWrite.Writer.TryComplete();
        if (await Task.WhenAny(_writing, Task.Delay(s_patience)).ConfigureAwait(false) != _writing)
            Warn($"what is known of some streams is not written: {Folder} does not answer");
    }

    /// <summary>Makes room for one more, where one that is known is over.</summary>
    private bool HasRoom(int dimensions)
    {
        var most = (int)Math.Max(1, MostMemory / UnusualStream.Bytes(dimensions));
        if (_streams.Count < most)
            return true;
        if (_streams.FirstOrDefault(s => s.Value.Uses == 0).Key is { } over)
            return _streams.Remove(over);
        Warn($"{most} streams are listened to for unusual sound, which is as many as memory is allowed for; others are not: name some in "
            + "events.unusual.streams");
        return false;
    }

    private void Load(StreamInfo stream, UnusualStream known)
    {
        try
        {
            if (!File.Exists(known.File))
                return;
            if (known.Restore(File.ReadAllBytes(known.File)) is { } why)
                _report.Warn(stream.Source, $"stream {stream.Id}: {known.File}: {why}; what it usually sounds like is learnt anew");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _report.Warn(stream.Source, $"stream {stream.Id}: {known.File} can't be read: {e.Message}; it is learnt anew");
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var (file, state) in _toWrite.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                Directory.CreateDirectory(Folder);
                await File.WriteAllBytesAsync(file + ".new", state).ConfigureAwait(false);
                File.Move(file + ".new", file, overwrite: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Warn($"{file} can't be written: {e.Message}; what is known of a stream is lost when this run ends");
            }
        }
    }

    private void Warn(string message)
    {
        if (!_hasWarned)
            _report.Warn(Model, message);
        _hasWarned = true;
    }

    /// <summary>Names of streams may be anything.</summary>
    private string FileOf(string stream) => Path.Combine(
        Folder, $"{Model}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(stream)))[..20]}.usual");
}
