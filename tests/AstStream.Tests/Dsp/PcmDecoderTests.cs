using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AstStream.Dsp;
using AstStream.Dsp.Simd;

namespace AstStream.Tests.Dsp;

/// <summary>Decoding in vectors gives the bits of decoding one by one.</summary>
public class PcmDecoderTests
{
    [Fact]
    public void Decode_Every16BitValue_IsTheSameInVectors()
    {
        var bytes = new byte[65_536 * 2];
        for (var i = 0; i < 65_536; i++)
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(i * 2), (short)i);

        AssertSame(PcmEncoding.S16, bytes, out _);
    }

    [Theory]
    [InlineData(PcmEncoding.S16)]
    [InlineData(PcmEncoding.F32)]
    public void Decode_AnyLength_IsTheSameInVectors(PcmEncoding encoding)
    {
        var bytes = new byte[400];
        new Random(1).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length += encoding == PcmEncoding.S16 ? 2 : 4)
            AssertSame(encoding, bytes.AsSpan(0, length), out _);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(-2e6f)]
    public void Decode_ABadFloatAnywhere_IsTheSameInVectorsAndCounted(float bad)
    {
        for (var at = 0; at < 70; at++)
        {
            var samples = Enumerable.Range(0, 70).Select(i => MathF.Sin(i)).ToArray();
            samples[at] = bad;

            AssertSame(PcmEncoding.F32, MemoryMarshal.AsBytes(samples.AsSpan()), out var invalid);

            Assert.Equal(1, invalid);
        }
    }

    private static void AssertSame(PcmEncoding encoding, ReadOnlySpan<byte> bytes, out long invalid)
    {
        var format = new PcmFormat(encoding, 16_000, 1);
        var (fast, plain) = (new PcmDecoder(format), new PcmDecoder(format, kernel: SimdKernel.Scalar));
        var (left, right) = (new float[bytes.Length], new float[bytes.Length]);

        Assert.Equal(plain.Decode(bytes, right), fast.Decode(bytes, left));

        Assert.Equal(MemoryMarshal.Cast<float, int>(right), MemoryMarshal.Cast<float, int>(left));
        Assert.Equal(plain.InvalidSamples, fast.InvalidSamples);
        invalid = fast.InvalidSamples;
    }
}
