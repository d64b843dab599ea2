using System.Buffers.Binary;
using System.Text;

namespace AstStream.Dsp;

/// <summary>The header of a WAV file: what its sound is, how much of it there is, and where it begins.</summary>
internal sealed class WavHeader
{
    private const uint Unknown = 0xFFFFFFFF;

    // What writers to a pipe put where they can't know the length: ffmpeg all ones, sox a little under 2³¹, in whole blocks.
    private const uint StreamedFrom = 0x7FFF0000;

    private static readonly byte[] s_extensibleTail = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71];

    private readonly Stream _stream;
    private readonly string _name;

    /// <summary>Reads the chunks before the sound, and stops where it begins.</summary>
    /// <exception cref="InvalidAudioException">The stream is no WAV that can be read.</exception>
    public WavHeader(Stream stream, string name)
    {
        (_stream, _name) = (stream, name);
        (Format, DataLength) = Read();
    }

    /// <summary>The format of the sound.</summary>
    public PcmFormat Format { get; }

    /// <summary>Bytes of sound that the header promises; null: to the end of the stream.</summary>
    public long? DataLength { get; }

    /// <summary>Where the sound begins in a stream that can seek; 0 in others.</summary>
    public long DataStart { get; private set; }

    /// <summary>What is wrong with its length and does no harm; null where nothing is.</summary>
    public string? Notice { get; private set; }

    /// <summary>Reads as many bytes as there are, at most so many.</summary>
    /// <exception cref="InvalidAudioException">Reading failed.</exception>
    public static int ReadUpTo(Stream stream, string name, Span<byte> bytes)
    {
        try
        {
            return stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (IOException e)
        {
            throw new InvalidAudioException($"{name}: reading the header failed: {e.Message}");
        }
    }

    private (PcmFormat Format, long? DataLength) Read()
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
                DataStart = _stream.CanSeek ? _stream.Position : 0;
                return (f, Length(size, length64));
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

    private long? Length(uint size, ulong? length64)
    {
        if (size == Unknown && length64 == 0)
        {
            if (_stream.CanSeek)
                Notice = $"{_name}: the ds64 chunk promises 0 bytes of sound: all that follows is heard. Was the recorder stopped before "
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

    private int ReadUpTo(Span<byte> bytes) => ReadUpTo(_stream, _name, bytes);

    private static string Printable(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder("'");
        foreach (var b in bytes)
            _ = b is >= 0x20 and < 0x7F ? text.Append((char)b) : text.Append($"\\x{b:X2}");
        return text.Append('\'').ToString();
    }
}
