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
    private const uint Unknown = 0xFFFFFFFF;

    // What writers to a pipe put where they can't know the length: ffmpeg all ones, sox a little under 2³¹, in whole blocks.
    private const uint StreamedFrom = 0x7FFF0000;

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

    private static readonly byte[] s_extensibleTail = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];

    private readonly Stream _stream;
    private readonly string _name;
    private readonly PcmDecoder _decoder;
    private readonly byte[] _buffer;
    private readonly long? _promised; // bytes of sound that the header promises; null: to the end of the stream
    private readonly long _dataLength; // the whole sample frames that are to be read
    private long _dataStart;
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
        (Format, _promised) = ReadHeader();
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
                TellShort(_promised.Value, _read);
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
            TellShort(promised, left);
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
                var got = ReadUpTo(chunk);
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
    private void TellShort(long promised, long there)
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

    private (PcmFormat Format, long? DataLength) ReadHeader()
    {
        Span<byte> head = stackalloc byte[12];
        var got = ReadUpTo(head);
        if (got == 0)
            throw new InvalidAudioException($"{_name}: the file is empty; expected a WAV file");
        var magic = Printable(head[..Math.Min(4, got)]);
        if (head[..4].SequenceEqual("RIFX"u8))
            throw new InvalidAudioException($"{_name}: a big-endian WAV (RIFX)") { IsOtherFormat = true };
        var is64 = head[..4].SequenceEqual("RF64"u8) || head[..4].SequenceEqual("BW64"u8);
        if (!is64 && !head[..4].SequenceEqual("RIFF"u8))
            throw new InvalidAudioException(
                $"{_name}: not a WAV file: it begins with {magic}, expected RIFF, RF64 or BW64")
            { IsOtherFormat = true };
        if (got < 12 || !head[8..].SequenceEqual("WAVE"u8))
            throw new InvalidAudioException(
                $"{_name}: not a WAV file: a RIFF file of type {Printable(head[8..Math.Max(8, got)])}, "
                    + $"expected WAVE")
            { IsOtherFormat = true };

        PcmFormat? format = null;
        ulong? length64 = null;
        Span<byte> chunk = stackalloc byte[8];
        byte? first = null; // of the next chunk, where a pad byte is missing
        while ((got = ReadChunk(chunk, first)) == 8)
        {
            first = null;
            var size = BinaryPrimitives.ReadUInt32LittleEndian(chunk[4..]);
            if (chunk[..4].SequenceEqual("data"u8))
            {
                if (format is not { } f)
                    throw new InvalidAudioException(
                        $"{_name}: the sound (data chunk) comes before its format (fmt chunk); expected fmt first");
                _dataStart = _stream.CanSeek ? _stream.Position : 0;
                return (f, DataLength(size, length64));
            }

            if (chunk[..4].SequenceEqual("fmt "u8))
                format = ReadFormat(size);
            else if (is64 && chunk[..4].SequenceEqual("ds64"u8))
                length64 = ReadDs64(size);
            else
                Skip(size);
            if (size % 2 == 1)
                first = ReadPad();
        }

        throw new InvalidAudioException(got == 0
            ? $"{_name}: holds no sound: the file ends without a data chunk"
            : $"{_name}: the file ends in the middle of a chunk header, before any sound");
    }

    /// <summary>The next chunk's name and size.</summary>
    private int ReadChunk(Span<byte> chunk, byte? first)
    {
        if (first is not { } known)
            return ReadUpTo(chunk);
        chunk[0] = known;
        return 1 + ReadUpTo(chunk[1..]);
    }

    /// <summary>
    /// The byte after a chunk of odd length: 0, or, where a writer has left it out, the first of the next chunk's name, which is returned.
    /// </summary>
    private byte? ReadPad()
    {
        Span<byte> pad = stackalloc byte[1];
        return ReadUpTo(pad) == 1 && pad[0] is > 0x20 and < 0x7F ? pad[0] : null;
    }

    private long? DataLength(uint size, ulong? length64)
    {
        if (size == Unknown && length64 == 0)
        {
            if (_stream.CanSeek)
                _notice = $"{_name}: the ds64 chunk promises 0 bytes of sound: all that follows is heard. Was the recorder stopped before "
                    + $"it wrote the length?";
            return null;
        }

        if (size == Unknown && length64 is { } large)
            return large <= long.MaxValue
                ? (long)large : throw new InvalidAudioException($"{_name}: the ds64 chunk promises {large} bytes of sound, which can't be");
        if (size == 0 && !_stream.CanSeek)
            return null; // a recorder that writes the length at its end, which a pipe does not let it
        if (size < StreamedFrom)
            return size;

        // A real file of that size keeps its word; a pipe's placeholder means "to the end".
        return size != Unknown && _stream.CanSeek && _stream.Length - _stream.Position >= size ? size : null;
    }

    private PcmFormat ReadFormat(uint size)
    {
        if (size is < 16 or > 4096)
            throw new InvalidAudioException($"{_name}: a format (fmt chunk) of {size} bytes; expected 16 to 40");
        Span<byte> fmt = stackalloc byte[(int)size];
        if (ReadUpTo(fmt) < size)
            throw new InvalidAudioException($"{_name}: the file ends inside its format (fmt chunk)");
        int tag = BinaryPrimitives.ReadUInt16LittleEndian(fmt);
        int channels = BinaryPrimitives.ReadUInt16LittleEndian(fmt[2..]);
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(fmt[4..]);
        int align = BinaryPrimitives.ReadUInt16LittleEndian(fmt[12..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(fmt[14..]);
        if (tag == 0xFFFE)
        {
            if (size < 40 || !fmt[26..40].SequenceEqual(s_extensibleTail))
                throw new InvalidAudioException(
                    $"{_name}: an extensible format whose sub-format is none that Microsoft defines; expected PCM "
                        + $"or float")
                { IsOtherFormat = true };
            tag = BinaryPrimitives.ReadUInt16LittleEndian(fmt[24..]);
        }

        // Samples of PCM stand at the high end of words as wide as the block says, whatever their bits.
        var word = tag == 1 && channels > 0 && align % channels == 0 && bits > 0 && bits <= 8 * (
            align / channels) ? 8 * (align / channels) : bits;
        PcmEncoding encoding = (tag, word) switch
        {
            (1, 8) => PcmEncoding.U8,
            (1, 16) => PcmEncoding.S16,
            (1, 24) => PcmEncoding.S24,
            (1, 32) => PcmEncoding.S32,
            (3, 32) => PcmEncoding.F32,
            (3, 64) => PcmEncoding.F64,
            (1 or 3, _) => throw new InvalidAudioException(
                $"{_name}: {bits}-bit {(tag == 1 ? "PCM" : "float")}; expected PCM of 8, 16, 24 or 32 bits, or float of "
                    + $"32 or 64")
            { IsOtherFormat = true },
            _ => throw new InvalidAudioException(
                $"{_name}: compressed sound (format tag 0x{tag:X4}); expected PCM or float")
            { IsOtherFormat = true },
        };
        if (rate > int.MaxValue)
            throw new InvalidAudioException(
                $"{_name}: a sample rate of {rate} Hz; expected {PcmFormat.MinSampleRate} to {PcmFormat.MaxSampleRate} Hz");
        var format = new PcmFormat(encoding, (int)rate, channels);
        format.Validate(_name);
        if (align != format.BytesPerFrame)
            throw new InvalidAudioException(
                $"{_name}: the header contradicts itself: {channels} channels of {bits} bits in blocks of {align} bytes; expected "
                    + $"{format.BytesPerFrame}");
        return format;
    }

    private ulong ReadDs64(uint size)
    {
        Span<byte> ds64 = stackalloc byte[24];
        if (size < 24 || ReadUpTo(ds64) < 24)
            throw new InvalidAudioException($"{_name}: a ds64 chunk of {size} bytes; expected at least 24");
        Skip(size - 24);
        return BinaryPrimitives.ReadUInt64LittleEndian(ds64[8..]);
    }

    private void Skip(long count)
    {
        if (_stream.CanSeek)
        {
            _stream.Position = Math.Min(_stream.Position + count, _stream.Length);
            return;
        }

        Span<byte> waste = stackalloc byte[512];
        for (var left = count; left > 0;)
        {
            var got = ReadUpTo(waste[..(int)Math.Min(waste.Length, left)]);
            if (got == 0)
                return; // the next chunk header will be missing, and that is the error
            left -= got;
        }
    }

    private int ReadUpTo(Span<byte> bytes)
    {
        try
        {
            return _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw new InvalidAudioException($"{_name}: reading the header failed: {e.Message}");
        }
    }

    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("'");
        foreach (var b in bytes)
            _ = b is >= 0x20 and < 0x7F ? text.Append((char)b) : text.Append($"\\x{b:X2}");
        return text.Append('\'').ToString();
    }
}
