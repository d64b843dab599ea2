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
    private UnusualDecoder _decoder = New(file, dimensions, options);

    public string File => file;

    public string Hash => hash;

    public int Dimensions => dimensions;

    /// <summary>How many streams go by it now.</summary>
    public int Uses { get; set; }

    public UnusualOptions Options
    {
        set
        {
            lock (_lock)
                _decoder.Options = value;
        }
    }

    /// <summary>How unusual its latest windows were.</summary>
    public UnusualReading Now
    {
        get
        {
            lock (_lock)
                return _decoder.Now;
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
            _decoder.Push(window.CellStart, window.CellEnd, TimeZoneInfo.ConvertTime(time, zone), window.Embedding, detected);
            return _decoder.HasLearnt;
        }
    }

    /// <summary>Closes what is open.</summary>
    public void Flush(Action<DetectedEvent> detected)
    {
        lock (_lock)
            _decoder.Flush(detected);
    }

    /// <summary>What is known of it, to be written; null where nothing is new.</summary>
    public byte[]? Save()
    {
        lock (_lock)
        {
            if (!_decoder.IsChanged)
                return null;
            using var bytes = new MemoryStream();
            using var output = new BinaryWriter(bytes, Encoding.UTF8);
            output.Write(hash);
            _decoder.Save(output);
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
                using var input = new BinaryReader(new MemoryStream(state), Encoding.UTF8);
                if (input.ReadString() != hash)
                    return "is of another model";
                _decoder.Restore(input);
                return null;
            }
            catch (Exception e) when (e is InvalidDataException or IOException or FormatException or ArgumentException)
            {
                _decoder = New(file, dimensions, options);
                return $"is damaged ({e.Message})";
            }
        }
    }

    private static UnusualDecoder New(string file, int dimensions, UnusualOptions options) =>
        new(dimensions, options, phase: Path.GetFileName(file).Sum(c => 97 * c) % 3600); // streams learn at different times
}
