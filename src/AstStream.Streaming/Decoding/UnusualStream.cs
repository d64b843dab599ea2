using System.Security.Cryptography;
using System.Text;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// One stream that is listened to for unusual sound. Two that are called the same are known as one, and may be decoded at the same time.
/// </summary>
/// <param name="file">Where what is known of it is kept.</param>
/// <param name="hash">The hash of the model whose embeddings it takes.</param>
/// <param name="dimensions">Their values.</param>
/// <param name="options">When it sounds unusual.</param>
/// <param name="zone">Where it is that hour of the day.</param>
internal sealed class UnusualStream(string file, string hash, int dimensions, UnusualOptions options, TimeZoneInfo zone)
{
    private readonly Lock _lock = new();
    private readonly int _phase = Path.GetFileName(file).Sum(c => 97 * c) % 3600; // streams learn at different times
    private UnusualDecoder? _own;

    /// <summary>Where what is known of it is kept; null where it is not.</summary>
    public string? File { get; set; } = file;

    public string Hash => hash;

    public int Dimensions => dimensions;

    /// <summary>How many streams go by it now.</summary>
    public int Uses { get; set; }

    public UnusualOptions Options
    {
        set
        {
            lock (_lock)
                Decoder.Options = value;
        }
    }

    /// <summary>How unusual its latest windows were.</summary>
    public UnusualReading Now
    {
        get
        {
            lock (_lock)
                return Decoder.Now;
        }
    }

    /// <summary>About the memory that one takes.</summary>
    public static long Bytes(int dimensions) => (6L * dimensions * dimensions) + (700L * dimensions) + 60_000;

    /// <summary>Takes a window that was scored; true where something was learnt, which is to be saved.</summary>
    /// <param name="stream">The stream. Where nobody knows when it was heard, it has no usual sound of an hour.</param>
    /// <param name="window">The window.</param>
    /// <param name="detected">Gets events that open or close.</param>
    public bool Push(StreamInfo stream, Piece window, Action<DetectedEvent> detected)
    {
        if (stream.TimeAt(ModelTime.Seconds(window.CellStart)) is not { } time)
            return false;
        lock (_lock)
        {
            Decoder.Push(window.CellStart, window.CellEnd, TimeZoneInfo.ConvertTime(time, zone), window.Embedding, detected);
            return Decoder.HasLearnt;
        }
    }

    /// <summary>Closes what is open.</summary>
    public void Flush(Action<DetectedEvent> detected)
    {
        lock (_lock)
            Decoder.Flush(detected);
    }

    /// <summary>What is known of it, to be written; null where nothing is new.</summary>
    public byte[]? Save()
    {
        lock (_lock)
        {
            if (!Decoder.IsChanged || !Decoder.IsWorthKeeping)
                return null;
            using var bytes = new MemoryStream();
            using var output = new BinaryWriter(bytes, Encoding.UTF8);
            output.Write(hash);
            Decoder.Save(output);
            output.Write(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
            return bytes.ToArray();
        }
    }

    /// <summary>Takes what is in its file; what is wrong with that, or null.</summary>
    public string? Restore(byte[] state)
    {
        lock (_lock)
        {
            try
            {
                var length = state.Length - SHA256.HashSizeInBytes;
                if (length < 0 || !SHA256.HashData(state.AsSpan(0, length)).AsSpan().SequenceEqual(state.AsSpan(length)))
                    return "is damaged: its end is not what its contents give";
                using var input = new BinaryReader(new MemoryStream(state, 0, length), Encoding.UTF8);
                if (input.ReadString() != hash)
                    return "is of another model";
                Decoder.Restore(input);
                return null;
            }
            catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException or OverflowException)
            {
                _own = null;
                return $"is damaged ({e.Message})";
            }
        }
    }

    private UnusualDecoder Decoder => _own ??= new UnusualDecoder(dimensions, options, _phase);
}
