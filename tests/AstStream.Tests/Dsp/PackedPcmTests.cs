using AstStream.Dsp;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp;

public class PackedPcmTests
{
    [Property(MaxTest = 300)]
    public Property Unpack_OfAnySamples_GivesThemBack()
    {
        var sample = Gen.Frequency(
            (4, Gen.Choose(-40, 40)), (2, Gen.Choose(-3000, 3000)), (1, Gen.Choose(short.MinValue, short.MaxValue)),
            (1, Gen.Elements<int>(short.MinValue, short.MaxValue, 0)));
        return Prop.ForAll(
            sample.Select(s => (short)s).ArrayOf().Resize(1500).ToArbitrary(),
            samples =>
            {
                var packed = new byte[PackedPcm.MaxBytes(samples.Length)];
                var length = PackedPcm.Pack(samples, packed);
                var unpacked = new short[samples.Length];
                PackedPcm.Unpack(packed.AsSpan(0, length), unpacked);
                return samples.AsSpan().SequenceEqual(unpacked);
            });
    }

    [Fact]
    public void Pack_SteepestAndLoudestSamples_TakesNoMoreThanIsPromised()
    {
        // What no predictor helps with: the extremes in turns, and noise over the whole range.
        var random = new Random(1);
        short[] samples = [.. Enumerable.Range(0, 5000).Select(i => i < 2500 ? (i % 2 == 0 ? short.MinValue : short.MaxValue)
            : (short)random.Next(short.MinValue, short.MaxValue + 1))];
        var packed = new byte[PackedPcm.MaxBytes(samples.Length)];

        var length = PackedPcm.Pack(samples, packed);

        Assert.InRange(length, 2 * samples.Length, (2 * samples.Length) + 40);
        var unpacked = new short[samples.Length];
        PackedPcm.Unpack(packed.AsSpan(0, length), unpacked);
        Assert.Equal(samples, unpacked);
    }

    [Theory]
    [InlineData(20, 20_000)] // the second difference is least
    [InlineData(1500, 3000)] // the first
    [InlineData(7000, 3000)] // none
    public void Unpack_Tones_GivesThemBack(double frequency, double amplitude)
    {
        short[] samples = [.. Enumerable.Range(0, 3000).Select(i => (short)(amplitude * Math.Sin(2 * Math.PI * frequency * i / 16_000)))];
        var packed = new byte[PackedPcm.MaxBytes(samples.Length)];

        var length = PackedPcm.Pack(samples, packed);

        var unpacked = new short[samples.Length];
        PackedPcm.Unpack(packed.AsSpan(0, length), unpacked);
        Assert.Equal(samples, unpacked);
    }

    [Fact]
    public void Pack_QuietNoiseWithATone_TakesHalfOfIt()
    {
        var random = new Random(2);
        short[] samples = [.. Enumerable.Range(0, 16_000).Select(
            i => (short)((300 * Math.Sin(2 * Math.PI * 200 * i / 16_000)) + random.Next(-60, 61)))];
        var packed = new byte[PackedPcm.MaxBytes(samples.Length)];

        var length = PackedPcm.Pack(samples, packed);

        Assert.InRange(length, 1, samples.Length); // of 2 bytes each
    }
}
