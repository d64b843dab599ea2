using AstStream.Dsp;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp;

public class WavReaderTests
{
    private static readonly float[] s_expected = [0, 0.5f, -0.5f, -1];

    public static TheoryData<int, int, byte[]> Encodings => new()
    {
        { 1, 8, [128, 192, 64, 0] },
        { 1, 16, Bytes<short>([0, 16384, -16384, -32768]) },
        { 1, 24, [0, 0, 0, 0, 0, 0x40, 0, 0, 0xC0, 0, 0, 0x80] },
        { 1, 32, Bytes<int>([0, 1 << 30, -(1 << 30), int.MinValue]) },
        { 3, 32, Bytes<float>(s_expected) },
        { 3, 64, Bytes<double>([0, 0.5, -0.5, -1]) },
    };

    public static TheoryData<string, byte[]> BadFiles => new()
    {
        { "the file is empty", [] },
        { "begins with 'Dear', expected RIFF", "Dear diary, today I recorded nothing."u8.ToArray() },
        { "begins with '\\x00\\x01\\xFFR'", [0, 1, 255, (byte)'R', 0, 0, 0, 0, 0, 0, 0, 0, 0] },
        { "not a WAV file", "RIFF"u8.ToArray() },
        { "type 'AVI '", new WavBytes().Riff(type: "AVI ").Done() },
        { "big-endian", new WavBytes().Riff("RIFX").Done() },
        { "0 channels; expected 1 to 256", new WavBytes().Riff().Fmt(1, 0, 16000, 16, 2).Chunk("data", new byte[4]).Done() },
        { "a sample rate of 0 Hz; expected 1000 to 1000000", new WavBytes().Riff().Fmt(1, 1, 0, 16).Chunk("data", new byte[4]).Done() },
        { "a sample rate of 1000001 Hz", new WavBytes().Riff().Fmt(1, 1, 1_000_001, 16).Chunk("data", new byte[4]).Done() },
        { "20-bit PCM", new WavBytes().Riff().Fmt(1, 1, 16000, 20, 2).Chunk("data", new byte[4]).Done() },
        { "compressed sound (format tag 0x0011)", new WavBytes().Riff().Fmt(0x11, 1, 16000, 16).Chunk("data", new byte[4]).Done() },
        { "in blocks of 3 bytes; expected 4", new WavBytes().Riff().Fmt(1, 2, 16000, 16, 3).Chunk("data", new byte[4]).Done() },
        { "sub-format is none that Microsoft defines",
            new WavBytes().Riff().Extensible(1, 1, 16000, 16, rightGuid: false).Chunk("data", new byte[4]).Done() },
        { "comes before its format", new WavBytes().Riff().Chunk("data", new byte[4]).Done() },
        { "without a data chunk", new WavBytes().Riff().Fmt(1, 1, 16000, 16).Done() },
        { "in the middle of a chunk header", new WavBytes().Riff().Fmt(1, 1, 16000, 16).Text("dat").Done() },
        { "ends inside its format", new WavBytes().Riff().Text("fmt ").U32(16).U16(1).Done() },
        { "a format (fmt chunk) of 7 bytes", new WavBytes().Riff().Chunk("fmt ", new byte[7]).Done() },
        { "a format (fmt chunk) of 4294967295 bytes", new WavBytes().Riff().Text("fmt ").U32(uint.MaxValue).Done() },
        { "without a data chunk", new WavBytes().Riff().Chunk("LIST", new byte[8], size: 4_000_000_000).Done() },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Read_EveryEncoding_GivesTheSameFloats(int tag, int bits, byte[] data)
    {
        foreach (var wav in (
            WavBytes[])[new WavBytes().Riff().Fmt(tag, 1, 16000, bits), new WavBytes().Riff().Extensible(tag, 1, 16000, bits)])
        {
            using var reader = Reader(wav.Chunk("data", data).Done());

            Assert.Equal(s_expected, ReadAll(reader));
            Assert.Null(reader.Truncation);
            Assert.Equal(4, reader.NumSamples);
        }
    }

    [Fact]
    public void Read_SeveralChannels_MixesDownOrPicks()
    {
        var wav = WavBytes.Pcm16(16000, 2, [16384, -16384, 8192, 8192]);

        Assert.Equal([0, 0.25f], ReadAll(Reader(wav)));
        Assert.Equal([0.5f, 0.25f], ReadAll(Reader(wav, channel: 0)));
        Assert.Equal([-0.5f, 0.25f], ReadAll(Reader(wav, channel: 1)));
        Assert.Contains(
            "channel 2 was asked for, but it has 2", Assert.Throws<InvalidAudioException>(() => Reader(wav, channel: 2)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_OddUnknownChunksBetween_SkipsThem()
    {
        var wav = new WavBytes().Riff().Chunk("JUNK", new byte[3]).Fmt(1, 1, 16000, 16).Chunk("LIST", new byte[1001])
            .Chunk("data", Bytes<short>([0, 16384, -16384, -32768])).Chunk("id3 ", new byte[5]).Done();

        Assert.Equal(s_expected, ReadAll(Reader(wav)));
        Assert.Equal(s_expected, ReadAll(new WavReader(new NoSeek(wav), "pipe")));
    }

    [Theory]
    [InlineData("RF64")]
    [InlineData("BW64")]
    public void Read_64BitSizes_TakesLengthFromDs64(string id)
    {
        var wav = new WavBytes().Riff(id, uint.MaxValue).Chunk("ds64", new WavBytes().U64(0).U64(8).U64(4).U32(0).Done())
            .Fmt(1, 1, 16000, 16).Chunk("data", Bytes<short>([0, 16384, -16384, -32768]), size: uint.MaxValue).Chunk(
                "LIST", new byte[8]).Done();

        Assert.Equal(s_expected, ReadAll(Reader(wav)));
    }

    [Fact]
    public void Read_Rf64Beyond4GiB_CountsAllOfItsSamples()
    {
        const long bytes = (1L << 32) + (1 << 20); // more than 2³¹ samples
        var head = new WavBytes().Riff("RF64", uint.MaxValue).Chunk(
            "ds64", new WavBytes().U64(bytes + 80).U64(bytes).U64(bytes / 2).U32(0).Done())
            .Fmt(1, 1, 48000, 16).Text("data").U32(uint.MaxValue).Done();
        using var reader = new WavReader(new Endless(head, bytes), "long");
        var buffer = new float[1 << 20];
        long total = 0;
        for (int n; (n = reader.Read(buffer)) > 0;)
            total += n;

        Assert.Equal(bytes / 2, total);
        Assert.Null(reader.Truncation);
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(0x7FFFEFFCu)]
    public void Read_StreamedHeader_ReadsToTheEnd(uint placeholder)
    {
        var wav = new WavBytes().Riff("RIFF", uint.MaxValue).Fmt(1, 1, 16000, 16).Chunk(
            "data", Bytes<short>([0, 16384, -16384, -32768]), placeholder).Done();

        using var reader = new WavReader(new NoSeek(wav), "pipe");

        Assert.Equal(s_expected, ReadAll(reader));
        Assert.Null(reader.Truncation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_HeaderPromisesMuchMore_GivesWhatIsThereAndTells(bool canSeek)
    {
        var wav = new WavBytes().Riff().Fmt(1, 1, 16000, 16).Chunk("data", Bytes<short>([0, 16384, -16384, -32768]), size: 10_000).Done();

        using var reader = new WavReader(canSeek ? new MemoryStream(wav) : new NoSeek(wav), "cut.wav");

        Assert.Equal(s_expected, ReadAll(reader));
        Assert.Equal(
            "cut.wav: the header promises 10000 bytes of sound, the file ends after 8. Was it cut off while being written or copied?",
                reader.Truncation);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_HeaderPromisesALittleMore_WarnsOnly(bool canSeek)
    {
        var wav = new WavBytes().Riff().Fmt(1, 1, 16000, 16).Chunk("data", Bytes<short>([0, 16384, -16384, -32768]), size: 24).Done();

        using var reader = new WavReader(canSeek ? new MemoryStream(wav) : new NoSeek(wav), "a.wav");

        Assert.Equal(s_expected, ReadAll(reader));
        Assert.Null(reader.Truncation);
        Assert.Equal("a.wav: the header promises 24 bytes of sound, the file ends after 8. What is there is heard", reader.Warning);
    }

    [Theory]
    [InlineData(0)] // a recorder that was cut off before it wrote the length
    [InlineData(2)] // the length of its first write
    [InlineData(1000)] // a length modulo 2^32
    public void Read_HeaderPromisesLess_HearsAllAndWarns(uint promised)
    {
        var sound = Enumerable.Range(0, 2000).Select(i => (short)(i * 7919)).ToArray();
        using var reader = Reader(new WavBytes().Riff().Fmt(1, 1, 16000, 16).Chunk("data", Bytes(sound), size: promised).Done());

        Assert.Equal(sound.Select(s => s / 32768f), ReadAll(reader));
        Assert.Null(reader.Truncation);
        Assert.Contains(
            $"the header promises {promised} bytes of sound, and {4000 - promised} more follow", reader.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("LIST", true)]
    [InlineData("odd?", true)] // a chunk that nobody knows, which ends where the file does
    [InlineData("odd?", false)]
    public void Read_ChunksAfterTheSound_AreNoSound(string id, bool hasPad)
    {
        byte[] sound = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        var wav = new WavBytes().Riff().Fmt(
            1, 1, 16000, 24).Text("data").U32(9).Raw(sound).Raw(hasPad ? [0] : []).Chunk(id, new byte[100]).Done();

        using var reader = Reader(wav);

        Assert.Equal(3, ReadAll(reader).Length);
        Assert.Null(reader.Truncation);
        Assert.Null(reader.Warning);
    }

    [Fact]
    public void Read_ChunkBeforeTheSoundWithoutPad_IsSkipped()
    {
        var wav = new WavBytes().Riff().Text(
            "LIST").U32(3).Raw([1, 2, 3]).Fmt(1, 1, 16000, 16).Chunk("data", Bytes<short>([0, 16384, -16384, -32768])).Done();

        Assert.Equal(s_expected, ReadAll(Reader(wav)));
        Assert.Equal(s_expected, ReadAll(new WavReader(new NoSeek(wav), "pipe")));
        Assert.Equal(wav.Length - 8, WavReader.HeaderLength(wav));
    }

    [Fact]
    public void Read_Rf64WithoutLength_ReadsToTheEnd()
    {
        var wav = new WavBytes().Riff("RF64", uint.MaxValue).Chunk("ds64", new WavBytes().U64(0).U64(0).U64(0).U32(0).Done())
            .Fmt(1, 1, 16000, 16).Chunk("data", Bytes<short>([0, 16384, -16384, -32768]), size: uint.MaxValue).Done();

        using var reader = Reader(wav);

        Assert.Equal(s_expected, ReadAll(reader));
        Assert.Null(reader.Truncation);
        Assert.Contains("the ds64 chunk promises 0 bytes", reader.Warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(24, 4)]
    [InlineData(12, 2)]
    [InlineData(20, 3)]
    public void Read_FewBitsInWideWords_StandAtTheHighEnd(int bits, int align)
    {
        float[] expected = [0, 0.5f, -0.5f, -1];
        var data = expected.SelectMany(x => BitConverter.GetBytes((int)(x * 2147483648.0))[(4 - align)..]).ToArray();

        using var reader = Reader(new WavBytes().Riff().Fmt(1, 1, 16000, bits, align).Chunk("data", data).Done());

        Assert.Equal(expected, ReadAll(reader));
    }

    [Fact]
    public void Read_ChannelsThatCancelOut_WarnsOrPicks()
    {
        short[] stereo = [.. Enumerable.Range(0, 32_000).Select(i => (short)(8000 * Math.Sin(i / 2 * 0.1) * (i % 2 == 0 ? 1 : -1)))];
        using var reader = Reader(WavBytes.Pcm16(16000, 2, stereo));

        ReadAll(reader);

        Assert.Contains("cancel", reader.Warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_EndsWithinASample_TellsSo()
    {
        using var reader = Reader(new WavBytes().Riff().Fmt(1, 1, 16000, 16).Chunk("data", [1, 2, 3]).Done());

        Assert.Single(ReadAll(reader));
        Assert.Contains("in the middle of a sample", reader.Truncation, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FloatsThatAreNoNumbers_BecomeSilenceAndAreCounted()
    {
        using var reader = Reader(
            new WavBytes().Riff().Fmt(3, 1, 16000, 32).Chunk(
            "data", Bytes<float>([float.NaN, float.PositiveInfinity, 1e30f, 0.5f])).Done());

        Assert.Equal([0, 0, 1e6f, 0.5f], ReadAll(reader));
        Assert.Equal(3, reader.InvalidSamples);
    }

    [Theory]
    [MemberData(nameof(BadFiles))]
    public void Constructor_BadFile_SaysWhatIsWrong(string message, byte[] bytes)
    {
        var e = Assert.Throws<InvalidAudioException>(() => Reader(bytes));

        Assert.StartsWith("test.wav: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoSuchFileOrFolder_SaysSo()
    {
        Assert.Equal("/nowhere/a.wav: no such file", Assert.Throws<InvalidAudioException>(() => WavReader.Open("/nowhere/a.wav")).Message);
        Assert.Contains(
            "is a folder", Assert.Throws<InvalidAudioException>(() => WavReader.Open(Path.GetTempPath())).Message,
            StringComparison.Ordinal);
    }

    [Property(MaxTest = 500)]
    public bool Read_DamagedFile_GivesSamplesOrOneKindOfError(int at, byte value, int cut)
    {
        var wav = new WavBytes().Riff().Chunk("JUNK", new byte[3]).Extensible(1, 2, 44100, 24).Chunk("data", new byte[600]).Done();
        wav[(int)((uint)at % 80)] = value;
        wav = wav[..(wav.Length - (int)((uint)cut % 40))];
        try
        {
            using var reader = Reader(wav);
            return ReadAll(reader).Length <= 300;
        }
        catch (InvalidAudioException)
        {
            return true;
        }
    }

    private static WavReader Reader(byte[] bytes, int? channel = null) => new(new MemoryStream(bytes), "test.wav", channel);

    private static float[] ReadAll(WavReader reader)
    {
        var all = new List<float>();
        var buffer = new float[3];
        for (int n; (n = reader.Read(buffer)) > 0;)
            all.AddRange(buffer.AsSpan(0, n));
        return [.. all];
    }

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private class NoSeek(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();
    }

    /// <summary>A header, then zeros of a given length that nobody has to store.</summary>
    private sealed class Endless(byte[] head, long length) : NoSeek(head)
    {
        private long _left = length;

        public override int Read(Span<byte> buffer)
        {
            var n = base.Read(buffer);
            if (n > 0)
                return n;
            n = (int)Math.Min(buffer.Length, _left);
            buffer[..n].Clear();
            _left -= n;
            return n;
        }
    }
}
