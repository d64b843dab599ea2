using System.Text;

namespace AstStream.Tests.Dsp;

/// <summary>Writes WAV files, right and wrong ones.</summary>
internal sealed class WavBytes
{
    private readonly List<byte> _bytes = [];

    public static byte[] Pcm16(int rate, int channels, ReadOnlySpan<short> samples)
    {
        var data = new byte[samples.Length * 2];
        for (var i = 0; i < samples.Length; i++)
            BitConverter.TryWriteBytes(data.AsSpan(2 * i), samples[i]);
        return new WavBytes().Riff().Fmt(1, channels, rate, 16).Chunk("data", data).Done();
    }

    /// <summary>A tone of some seconds, 16-bit mono.</summary>
    public static byte[] Tone(double seconds, int rate = 16000, double frequency = 440) =>
        Pcm16(rate, 1,
            [.. Enumerable.Range(0, (int)(seconds * rate)).Select(i => (short)(8000 * Math.Sin(2 * Math.PI * frequency * i / rate)))]);

    public WavBytes Riff(string id = "RIFF", uint size = 0, string type = "WAVE") => Text(id).U32(size).Text(type);

    public WavBytes Fmt(int tag, int channels, int rate, int bits, int? align = null) => Chunk(
        "fmt ", new WavBytes().U16(tag).U16(channels).U32((uint)rate).U32((uint)(rate * channels * bits / 8)).U16(
            align ?? channels * bits / 8).U16(bits).Done());

    public WavBytes Extensible(int tag, int channels, int rate, int bits, bool rightGuid = true) => Chunk(
        "fmt ",
        new WavBytes().U16(0xFFFE).U16(channels)
            .U32((uint)rate).U32((uint)(rate * channels * bits / 8)).U16(channels * bits / 8).U16(bits).U16(22).U16(bits).U32(0)
            .U16(tag).Raw(rightGuid ? [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71] : new byte[14]).Done());

    public WavBytes Chunk(string id, byte[] data, uint? size = null)
    {
        Text(id).U32(size ?? (uint)data.Length).Raw(data);
        return data.Length % 2 == 1 ? Raw([0]) : this;
    }

    public WavBytes Text(string text) => Raw(Encoding.ASCII.GetBytes(text));

    public WavBytes U16(int value) => Raw(BitConverter.GetBytes((ushort)value));

    public WavBytes U32(uint value) => Raw(BitConverter.GetBytes(value));

    public WavBytes U64(ulong value) => Raw(BitConverter.GetBytes(value));

    public WavBytes Raw(byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public byte[] Done() => [.. _bytes];
}
