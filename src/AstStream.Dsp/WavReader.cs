using System.Buffers.Binary;
using System.Text;

namespace AstStream.Dsp;

/// <summary>
/// Reads a WAV stream front to back, whether it can seek or not: PCM of 8, 16, 24 and 32 bits, float of 32 and 64 bits, samples of fewer
/// bits at the high end of such words, WAVE_FORMAT_EXTENSIBLE, RF64 and BW64 over 4 GiB, unknown chunks of any (odd) length between, with
/// their pad byte or without. Gives mono floats. Where the header promises less sound than there is (a recorder that never wrote the
/// length, a length over 4 GiB that wrapped), all that there is is given; a file that ends long before its header says gives what is there,
/// and <see cref="Truncation"/> tells.
/// </summary>
public sealed class WavReader : IDisposable
{
    private const int LeastMore = 16; // bytes after the promised ones: fewer are filling
    private const int MostMissing = 4096; // bytes of a block that was not written to its end
    private const double MostMissingSeconds = 0.1;

    // What writers put after the sound; a chunk of such a name needs no other proof. TAG and ID3 are tags of music players.
    private static readonly HashSet<string> s_known = new(
        [
            "LIST", "bext", "cue ", "fact", "smpl", "inst", "plst", "note", "labl", "ltxt", "adtl", "iXML",
            "axml", "chna", "cart", "id3 ", "ID3 ", "JUNK", "junk", "PAD ", "FLLR", "PEAK", "afsp", "DISP",
            "umid", "minf", "elm1", "regn", "wamd", "guan", "SAUR", "TAGP", "LGWV", "ResU", "_PMX", "acid",
            "strc", "levl", "link", "mext", "ovwf", "SyLp",
        ], StringComparer.Ordinal);

    private readonly Stream _stream;
    private readonly string _name;
    private readonly PcmDecoder _decoder;
    private readonly byte[] _buffer;
    private readonly long? _promised; // bytes of sound that the header promises; null: to the end of the stream
    private readonly long _dataLength; // the whole sample frames that are to be read
    private readonly long _dataStart;
    private string? _notice; // of a length that is wrong, and does no harm
    private long _read;
    private bool _ended;

    /// <summary>
    /// Reads the header; <paramref name="name"/> stands in errors, <paramref name="channel"/> picks a channel, null mixes down.
    /// </summary>
    /// <exception cref="InvalidAudioException">The stream is no WAV that can be read.</exception>
    public WavReader(Stream stream, string name, int? channel = null)
    {
        _stream = stream;
        _name = name;
        var header = new WavHeader(stream, name);
        (Format, _promised, _dataStart, _notice) = (header.Format, header.DataLength, header.DataStart, header.Notice);
        if (_promised is { } promised && stream.CanSeek)
            _promised = CheckLength(promised);
        _dataLength = _promised is { } bytes ? bytes - (bytes % Format.BytesPerFrame) : long.MaxValue;
        _decoder = new PcmDecoder(Format, channel, name);
        _buffer = new byte[Math.Max(1, 65536 / Format.BytesPerFrame) * Format.BytesPerFrame];
    }

    /// <summary>The file's name, as it stands in errors.</summary>
    public string Name => _name;

    /// <summary>Encoding, rate and channels of the file.</summary>
    public PcmFormat Format { get; }

    /// <summary>Samples of one channel that the header promises; null where it says none.</summary>
    public long? NumSamples => _promised / Format.BytesPerFrame;

    /// <summary>
    /// Set when a file is much shorter than its header says, or ends within a sample: the error to give. Known from the start where the
    /// stream can seek, else at its end.
    /// </summary>
    public string? Truncation { get; private set; }

    /// <summary>Float samples that were not finite or absurdly large.</summary>
    public long InvalidSamples => _decoder.InvalidSamples;

    /// <summary>
    /// The warning to give at the end, about them, about a length that is wrong, and about what the decoder found; null where all is well.
    /// </summary>
    public string? Warning => (_notice, _decoder.Warning) switch
    {
        ({ } notice, { } warning) => $"{notice}; {warning[(_name.Length + 2)..]}",
        var (notice, warning) => notice ?? warning,
    };

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidAudioException">The file is missing, can't be opened, or is no WAV that can be read.</exception>
    public static WavReader Open(string path, int? channel = null)
    {
        if (string.IsNullOrWhiteSpace(path))
            throw new InvalidAudioException($"'{path}' is no file name; expected a WAV file");
        FileStream stream;
        try
        {
            stream = RegularFile.Open(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidAudioException($"{path}: no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidAudioException(Directory.Exists(path) ? $"{path}: is a folder; expected a WAV file"
                : e.Message.StartsWith("is a pipe", StringComparison.Ordinal) ? $"{path}: is a pipe or a device; expected a WAV file"
                : $"{path}: can't be opened: {e.Message}");
        }

        try
        {
            return new WavReader(stream, path, channel);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Where the sound of a WAV file begins, from the file's first bytes; null where more of them are needed. Where they are no WAV file,
    /// all of them: the reader says what is wrong.
    /// </summary>
    public static int? HeaderLength(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 4 && !bytes.StartsWith("RIFF"u8) && !bytes.StartsWith("RF64"u8) && !bytes.StartsWith("BW64"u8))
            return bytes.Length;
        for (long at = 12; at + 8 <= bytes.Length;)
        {
            var chunk = bytes[(int)at..];
            if (chunk.StartsWith("data"u8))
                return (int)at + 8;
            var size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            at += 8 + (long)size;
            if (size % 2 == 1 && at < bytes.Length && bytes[(int)at] is <= 0x20 or >= 0x7F)
                at++; // the pad byte, which some writers leave out
        }

        return null;
    }

    /// <summary>Fills <paramref name="samples"/> from the file and returns how many; 0 at the end.</summary>
    public int Read(Span<float> samples)
    {
        var given = 0;
        while (given < samples.Length && !_ended)
        {
            var wanted = (int)Math.Min(
                Math.Min(_buffer.Length, (samples.Length - given) * (long)Format.BytesPerFrame), _dataLength - _read);
            var got = Fill(wanted);
            var frames = _decoder.Decode(_buffer.AsSpan(0, got), samples[given..]);
            given += frames;
            _read += got;
            if (got == wanted && _read < _dataLength)
                continue;

            _ended = true;
            if (got < wanted && _promised is not null)
                ReportShort(_promised.Value, _read);
            else if ((_promised ?? _read) % Format.BytesPerFrame != 0)
                Truncation = $"{_name}: the sound ends in the middle of a sample ({_promised ?? _read} bytes in units of "
                    + $"{Format.BytesPerFrame})";
        }

        return given;
    }

    /// <summary>Closes the stream.</summary>
    public void Dispose() => _stream.Dispose();

    /// <summary>How much sound there is to read: what the header promises, or all that follows where that is no metadata.</summary>
    private long CheckLength(long promised)
    {
        var start = _stream.Position;
        var left = _stream.Length - start;
        if (left < promised)
        {
            ReportShort(promised, left);
            return promised;
        }

        if (left - promised < LeastMore || IsMetadata(start + promised, promised % 2 == 1))
            return promised;
        _stream.Position = start;
        _notice = $"{_name}: the header promises {promised} bytes of sound, and {left - promised} more follow that are no chunk: they are "
            + $"heard too. Was the recorder stopped before it wrote the length?";
        return left;
    }

    /// <summary>
    /// Whether what follows the sound, with its pad byte or without, are chunks: known ones, or unknown ones that end where the file does.
    /// </summary>
    private bool IsMetadata(long end, bool isOdd)
    {
        Span<byte> chunk = stackalloc byte[8];
        foreach (var pad in isOdd ? [1, 0] : (ReadOnlySpan<int>)[0])
        {
            for (var at = end + pad; ;)
            {
                _stream.Position = Math.Min(at, _stream.Length);
                var got = WavHeader.ReadUpTo(_stream, _name, chunk);
                if (got < chunk.Length)
                {
                    if (at > end + pad)
                        return Back(true);
                    break;
                }

                var id = Encoding.Latin1.GetString(chunk[..4]);
                if (s_known.Contains(id))
                    return Back(true);
                var size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
                if (chunk[..4].ContainsAnyExceptInRange((byte)0x20, (byte)0x7E) || at + 8 + size > _stream.Length)
                    break;
                at += 8 + (long)size + (size & 1);
            }
        }

        return Back(false);

        bool Back(bool answer)
        {
            _stream.Position = _dataStart;
            return answer;
        }
    }

    /// <summary>A few samples too few are no loss; more were cut off.</summary>
    private void ReportShort(long promised, long there)
    {
        var text = $"{_name}: the header promises {promised} bytes of sound, the file ends after {there}.";
        if (promised - there <= Math.Max(MostMissing, (long)(MostMissingSeconds * Format.SampleRate) * Format.BytesPerFrame))
            _notice = text + " What is there is heard";
        else
            Truncation = text + " Was it cut off while being written or copied?";
    }

    private int Fill(int wanted)
    {
        try
        {
            return _stream.ReadAtLeast(_buffer.AsSpan(0, wanted), wanted, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw new InvalidAudioException($"{_name}: reading failed after {_read} bytes of sound: {e.Message}");
        }
    }
}
