using System.Buffers.Binary;
using AstStream.Connectors.Capture;
using AstStream.Dsp;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Capture;

public class PcmReaderTests
{
    private static readonly PcmFormat s_stereo = new(PcmEncoding.S16, 48_000, 2);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5000)]
    [InlineData(100_000)]
    public async Task ReadAsync_RawInAnyPieces_GivesWholeFramesAndAllOfThem(int piece)
    {
        var bytes = Bytes(70_001);
        var reader = new PcmReader(new Pieces(bytes, piece), "x", PcmFraming.Raw, s_stereo);

        Assert.True(await reader.ReadFormatAsync(default));
        Assert.Equal(bytes[..70_000], await AllAsync(reader));
        Assert.Equal(1, reader.Rest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(44)]
    [InlineData(100_000)]
    public async Task ReadFormatAsync_WavInAnyPieces_ReadsTheHeader(int piece)
    {
        var wav = WavBytes.Pcm16(22_050, 2, [1, 2, 3, 4]);
        var reader = new PcmReader(new Pieces(wav, piece), "x", PcmFraming.Wav);

        Assert.True(await reader.ReadFormatAsync(default));

        Assert.Equal(new PcmFormat(PcmEncoding.S16, 22_050, 2), reader.Format);
        Assert.Equal(wav[^8..], await AllAsync(reader));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100_000)]
    public async Task ReadAsync_RecordsInAnyPieces_GivesSamplesTimesAndBreaks(int piece)
    {
        var time = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        byte[] bytes = [.. Header(), .. Record(Bytes(400), 0, time), .. Record([], PcmReader.BreakFlag, null),
            .. Record(Bytes(800), 0, null)];
        var reader = new PcmReader(new Pieces(bytes, piece), "x", PcmFraming.Records);
        Assert.True(await reader.ReadFormatAsync(default));
        Assert.Equal(s_stereo, reader.Format);

        var heard = new List<byte>();
        var breaks = new List<int>();
        DateTimeOffset? last = null;
        while (await reader.ReadAsync(default) is { Bytes.IsEmpty: false } chunk)
        {
            if (chunk.IsBreak)
                breaks.Add(heard.Count);
            heard.AddRange(chunk.Bytes.ToArray());
            if (heard.Count == 400)
                last = chunk.Captured;
        }

        Assert.Equal([.. Bytes(400), .. Bytes(800)], heard);
        Assert.Equal([400], breaks);
        Assert.Equal(time, last);
    }

    [Fact]
    public async Task ReadFormatAsync_NothingComes_SaysSo()
    {
        foreach (var framing in (PcmFraming[])[PcmFraming.Wav, PcmFraming.Records])
            Assert.False(await new PcmReader(new MemoryStream(), "x", framing).ReadFormatAsync(default));
    }

    public static TheoryData<string, byte[], string> BadRecords => new()
    {
        { "other magic", [.. "RIFFxxxxWAVEfmt "u8], "begins with 'RIFFxxxx'; expected ASTPCM1" },
        { "cut header", [.. PcmReader.Magic], "ends after 8 bytes, inside the header" },
        { "encoding", Header(encoding: 9), "encoding 9; expected 0 (u8) to 5 (f64le)" },
        { "rate", Header(rate: uint.MaxValue), "a sample rate of 2147483647 Hz" },
        { "channels", Header(channels: 0), "0 channels; expected 1 to 256" },
        { "length", [.. Header(), .. Record(Bytes(6), 0, null)], "a record of 6 bytes; expected whole frames of 4 bytes" },
        { "huge", [.. Header(), 0xFF, 0xFF, 0xFF, 0xFF, .. new byte[12]], "a record of 4294967295 bytes" },
    };

    [Theory]
    [MemberData(nameof(BadRecords))]
    public async Task ReadAsync_BadRecords_SaysWhatIsWrong(string what, byte[] bytes, string message)
    {
        var reader = new PcmReader(new MemoryStream(bytes), "x", PcmFraming.Records);

        var e = await Assert.ThrowsAsync<InvalidAudioException>(async () =>
        {
            await reader.ReadFormatAsync(default);
            await reader.ReadAsync(default);
        });

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.NotEmpty(what);
    }

    [Theory]
    [InlineData("this is no sound at all, but long enough", "not a WAV file")]
    [InlineData("RIFF....WAVEjunk\u00ff\u00ff\u00ff\u007f", "holds no sound")]
    public async Task ReadFormatAsync_BadWav_SaysWhatIsWrong(string text, string message)
    {
        var reader = new PcmReader(new MemoryStream(System.Text.Encoding.Latin1.GetBytes(text)), "x", PcmFraming.Wav);

        Assert.Contains(
            message, (await Assert.ThrowsAsync<InvalidAudioException>(() => reader.ReadFormatAsync(default))).Message,
            StringComparison.Ordinal);
    }

    internal static byte[] Header(uint rate = 48_000, ushort channels = 2, ushort encoding = 1)
    {
        var header = new byte[16];
        PcmReader.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), rate);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(12), channels);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(14), encoding);
        return header;
    }

    internal static byte[] Record(byte[] samples, uint flags, DateTimeOffset? captured)
    {
        var record = new byte[16 + samples.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)samples.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), flags);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(8), captured is { } time ? (time - DateTimeOffset.UnixEpoch).Ticks * 100 : 0);
        samples.CopyTo(record, 16);
        return record;
    }

    private static byte[] Bytes(int count) => [.. Enumerable.Range(0, count).Select(i => (byte)(i * 7))];

    private static async Task<byte[]> AllAsync(PcmReader reader)
    {
        var all = new List<byte>();
        while (await reader.ReadAsync(default) is { Bytes.IsEmpty: false } chunk)
        {
            Assert.Equal(0, chunk.Bytes.Length % reader.Format.BytesPerFrame);
            all.AddRange(chunk.Bytes.ToArray());
        }

        return [.. all];
    }

    /// <summary>Gives at most so many bytes at once.</summary>
    private sealed class Pieces(byte[] bytes, int most) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(most, buffer.Length)], cancellationToken);
    }
}
