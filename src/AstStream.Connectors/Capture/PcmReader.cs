using System.Buffers.Binary;
using System.Text;
using AstStream.Dsp;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Capture;

/// <summary>Reads PCM from a stream of bytes, in any framing, as it comes. Memory is bounded whatever comes. For one reader.</summary>
internal sealed class PcmReader
{
    /// <summary>Set in a record's flags where sound is missing before it.</summary>
    public const uint BreakFlag = 1;

    /// <summary>Set where its time is this machine's CLOCK_BOOTTIME, which nobody sets.</summary>
    public const uint BootTimeFlag = 2;

    private const int HeaderLimit = 1 << 20; // bytes before a WAV's sound
    private const int RecordHeader = 16;
    private const uint LongestRecord = 1 << 24;

    private readonly Stream _stream;
    private readonly string _name;
    private readonly PcmFraming _framing;
    private readonly PcmFormat _declared;
    private byte[] _buffer = new byte[65536];
    private int _start;
    private int _end;
    private long _left; // bytes of the record
    private bool _isBreak;
    private long _time; // of the record, 0 where it is not told
    private bool _isBootTime;

    /// <summary>Makes a reader.</summary>
    /// <param name="stream">Where bytes come from.</param>
    /// <param name="name">How that is called in messages.</param>
    /// <param name="framing">What stands around the samples.</param>
    /// <param name="declared">How samples are written, where nothing around them says it.</param>
    public PcmReader(Stream stream, string name, PcmFraming framing, PcmFormat declared = default) =>
        (_stream, _name, _framing, _declared) = (stream, name, framing, declared);

    /// <summary>The eight bytes that records begin with.</summary>
    public static ReadOnlySpan<byte> Magic => "ASTPCM1\0"u8;

    /// <summary>What comes; known after <see cref="ReadFormatAsync"/>.</summary>
    public PcmFormat Format { get; private set; }

    /// <summary>At the end: bytes that make no whole frame, or that a record promised and did not bring.</summary>
    public long Rest => _framing == PcmFraming.Records && _left > 0 ? _left : _end - _start;

    /// <summary>Whether what has come begins like a WAV file.</summary>
    public bool LooksLikeWav { get; private set; }

    /// <summary>Reads what says how the samples are written. False where the stream ends before anything comes.</summary>
    /// <exception cref="InvalidAudioException">It is not what was expected.</exception>
    public async Task<bool> ReadFormatAsync(CancellationToken cancellation)
    {
        if (_framing == PcmFraming.Wav)
            return await ReadWavHeaderAsync(cancellation).ConfigureAwait(false);
        if (_framing == PcmFraming.Raw)
        {
            Format = _declared;
            return true;
        }

        const int length = 16;
        if (!await FillAsync(length, cancellation).ConfigureAwait(false))
        {
            return _end == 0
                ? false : throw new InvalidAudioException($"{_name}: ends after {_end} bytes, inside the header of its records");
        }

        var header = _buffer.AsSpan(0, length);
        if (!header.StartsWith(Magic))
            throw new InvalidAudioException(
                $"{_name}: begins with {Shown(header[..8])}; expected ASTPCM1, as framing: records begins (docs/raw-pcm.md)");
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        var encoding = BinaryPrimitives.ReadUInt16LittleEndian(header[14..]);
        if (encoding > (ushort)PcmEncoding.F64)
            throw new InvalidAudioException($"{_name}: encoding {encoding}; expected 0 (u8) to 5 (f64le)");
        Format = new PcmFormat(
            (PcmEncoding)encoding, (int)Math.Min(rate, int.MaxValue), BinaryPrimitives.ReadUInt16LittleEndian(header[12..]));
        Format.Validate(_name);
        _start = length;
        return true;
    }

    /// <summary>Waits for sound; a chunk without bytes is the end.</summary>
    /// <exception cref="InvalidAudioException">The framing is broken.</exception>
    /// <exception cref="IOException">Reading failed.</exception>
    public async ValueTask<PcmChunk> ReadAsync(CancellationToken cancellation)
    {
        var frame = Format.BytesPerFrame;
        while (_framing == PcmFraming.Records && _left == 0)
        {
            if (!await FillAsync(RecordHeader, cancellation).ConfigureAwait(false))
                return default;
            var header = _buffer.AsSpan(_start, RecordHeader);
            _left = BinaryPrimitives.ReadUInt32LittleEndian(header);
            _isBreak |= (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) & BreakFlag) != 0;
            _isBootTime = (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) & BootTimeFlag) != 0;
            _time = Math.Max(0, BinaryPrimitives.ReadInt64LittleEndian(header[8..]));
            if (_left > LongestRecord || _left % frame != 0)
                throw new InvalidAudioException(
                    $"{_name}: a record of {_left} bytes; expected whole frames of {frame} bytes, and at most {LongestRecord}");
            _start += RecordHeader;
        }

        if (!await FillAsync(frame, cancellation).ConfigureAwait(false))
            return default;
        var bytes = _framing == PcmFraming.Records ? (int)Math.Min(_left, _end - _start) : _end - _start;
        bytes -= bytes % frame;
        // Of the record's part that is here.
        long? captured = _framing == PcmFraming.Records && _time > 0
            ? _time - (long)(1e9 * (_left - bytes) / frame / Format.SampleRate) : null;
        var chunk = new PcmChunk(
            _buffer.AsMemory(_start, bytes), _isBreak,
                _isBootTime ? null : captured is { } t ? DateTimeOffset.UnixEpoch.AddTicks(t / TimeSpan.NanosecondsPerTick) : null,
                _isBootTime ? captured : null);
        _start += bytes;
        _left = _framing == PcmFraming.Records ? _left - bytes : 0;
        _isBreak = false;
        return chunk;
    }

    /// <summary>Waits until so many bytes are there; false where the stream ends before.</summary>
    private async ValueTask<bool> FillAsync(int bytes, CancellationToken cancellation)
    {
        while (_end - _start < bytes)
        {
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
            }

            if (bytes > _buffer.Length)
                Array.Resize(ref _buffer, Math.Max(bytes, _buffer.Length * 2));
            var isFirst = _end == 0 && !LooksLikeWav;
            var got = await _stream.ReadAsync(_buffer.AsMemory(_end), cancellation).ConfigureAwait(false);
            if (got == 0)
                return false;
            LooksLikeWav |= isFirst && _buffer.AsSpan(0, got).StartsWith("RIFF"u8);
            _end += got;
        }

        return true;
    }

    private async Task<bool> ReadWavHeaderAsync(CancellationToken cancellation)
    {
        int? length;
        while ((length = WavReader.HeaderLength(_buffer.AsSpan(0, _end))) is null && _end < HeaderLimit)
        {
            if (!await FillAsync(_end + 1, cancellation).ConfigureAwait(false))
                break;
        }

        if (_end == 0)
            return false;
        using var reader = new WavReader(new MemoryStream(_buffer, 0, length ?? _end), _name);
        Format = reader.Format;
        _start = length ?? _end;
        return true;
    }

    private static string Shown(ReadOnlySpan<byte> bytes) => $"'{Printable.Text(Encoding.Latin1.GetString(bytes))}'";
}
