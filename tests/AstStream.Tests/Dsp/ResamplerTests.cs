using System.Numerics;
using AstStream.Dsp;
using AstStream.Dsp.Simd;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp;

public class ResamplerTests
{
    public static TheoryData<int> Rates =>
        [6000, 8000, 11025, 16000, 22050, 32000, 44056, 44100, 47999, 48000, 88200, 96000, 176400, 191999, 192000, 384000];

    public static TheoryData<SimdKernel> Kernels => [.. SimdKernels.Supported];

    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(3000)]
    [InlineData(6000)]
    [InlineData(7000)]
    public void Process_48To16ToneInPassBand_IsFlatWithin0_1Decibels(double frequency) =>
        Assert.InRange(Level(Resample(48000, 16000, Tone(48000, frequency)), 16000, frequency), -0.1, 0.1);

    [Theory]
    [InlineData(8050)]
    [InlineData(8500)]
    [InlineData(9000)]
    [InlineData(10000)]
    [InlineData(12345)]
    [InlineData(16000)]
    [InlineData(20000)]
    [InlineData(23900)]
    public void Process_48To16ToneAbove8kHz_IsUnder90DecibelsDown(double frequency)
    {
        var output = Resample(48000, 16000, Tone(48000, frequency));

        // Whatever comes out is alias; the edges, where the tone begins and ends, are a wide-band click and left out.
        var rms = Math.Sqrt(output[2000..^2000].Average(x => (double)x * x)) * Math.Sqrt(2);
        Assert.True(20 * Math.Log10(rms) < -90, $"{20 * Math.Log10(rms)} dB");
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void Process_AnyRate_KeepsToneTimeAndLength(int rate)
    {
        var input = Tone(rate, 1000);

        var output = Resample(rate, 16000, input);

        Assert.Equal((long)Math.Ceiling(input.Length * 16000.0 / rate), output.Length);
        for (var n = 1000; n < output.Length - 1000; n++)
            Assert.True(Math.Abs(output[n] - Math.Sin(2 * Math.PI * 1000 * n / 16000)) < 2e-4, $"at {n}: {output[n]}");
    }

    [Fact]
    public void Process_AnyPairOfRates_KeepsToneAndLength()
    {
        int[] rates = [6000, 8000, 11025, 16000, 22050, 44100, 48000, 95999, 96000, 121000, 176400, 192000];
        foreach (var (from, to) in rates.SelectMany(f => rates.Select(t => (f, t))))
        {
            var input = Tone(from, 1000);
            var output = Resample(from, to, input);
            Assert.Equal((long)Math.Ceiling(input.Length * (double)to / from), output.Length);
            for (var n = to / 10; n < output.Length - (to / 10); n++)
                Assert.True(Math.Abs(output[n] - Math.Sin(2 * Math.PI * 1000 * n / to)) < 2e-4, $"{from} to {to}, at {n}: {output[n]}");
        }
    }

    public static TheoryData<int> UsualRates => [6000, 8000, 11025, 12000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000];

    [Theory]
    [MemberData(nameof(UsualRates))]
    public void Process_ToneOf1kHz_HasOver100DecibelsToItsNoise(int rate)
    {
        foreach (var kernel in SimdKernels.Supported)
            Assert.InRange(-Residue(Resample(rate, 16000, Tone(rate, 1000), kernel), 1000), 100, 200);
    }

    [Theory]
    [MemberData(nameof(UsualRates))]
    public void Process_Sweep_HasNoAliasOver90Decibels(int rate)
    {
        // What lies over the output's band must not come out at all.
        if (rate > 16000)
        {
            foreach (var to in (double[])[9000, rate / 2.0])
                Assert.InRange(20 * Math.Log10(Resample(rate, 16000, Sweep(rate, 8000, to))[2000..^2000].Max(Math.Abs)), -200, -90);
        }

        // What lies in the band comes out as itself and nothing else, up to where the filter begins to fall.
        for (var frequency = 50.0; frequency < 0.92 * Math.Min(rate, 16000) / 2; frequency *= 1.13)
            Assert.InRange(Residue(Resample(rate, 16000, Tone(rate, frequency)), frequency), -200, -90);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Process_AnyKernel_MatchesScalarKernel(SimdKernel kernel)
    {
        var input = OnlineFbankTests.Noise(20_000, seed: 2);
        foreach (var rate in (int[])[44100, 48000, 191999])
            Reference.AssertClose(Resample(rate, 16000, input, SimdKernel.Scalar), Resample(rate, 16000, input, kernel), 1e-6f);
    }

    [Property(MaxTest = 100)]
    public Property Process_AnyChunking_GivesBitIdenticalSamples() =>
        Prop.ForAll(ArbMap.Default.ArbFor<PositiveInt[]>(), Gen.Elements(8000, 16000, 22050, 44100, 48000, 191999).ToArbitrary(),
            (cuts, rate) =>
        {
            var input = OnlineFbankTests.Noise(7000, seed: rate);
            var whole = Resample(rate, 16000, input);
            var resampler = new Resampler(rate, 16000);
            var result = new List<float>();
            var buffer = new float[cuts.Length == 0 ? 100 : 1 + (cuts[0].Get % 700)];
            var rest = input.AsSpan();
            for (var i = 0; !rest.IsEmpty; i++)
            {
                var block = rest[..Math.Min(rest.Length, cuts.Length == 0 ? 1 : 1 + (cuts[i % cuts.Length].Get * 13 % 3000))];
                rest = rest[block.Length..];
                Drain(resampler, block, buffer, result);
            }

            for (int n; (n = resampler.Flush(buffer)) > 0;)
                result.AddRange(buffer.AsSpan(0, n));
            return result.SequenceEqual(whole);
        });

    [Fact]
    public void Process_AfterConstruction_AllocatesNothing()
    {
        var resampler = new Resampler(44100, 16000);
        var input = OnlineFbankTests.Noise(4410, seed: 1);
        var output = new float[4096];
        resampler.Process(input, output, out _);
        var allocated = new long[3];
        for (var turn = 0; turn < allocated.Length; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
                resampler.Process(input, output, out _);
            allocated[turn] = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // The runtime may allocate once on any thread, as it compiles methods anew; what a call allocates is there in each turn.
        Assert.Contains(0, allocated);
    }

    [Fact]
    public void Reset_AfterUse_BeginsANewStream()
    {
        var input = OnlineFbankTests.Noise(3000, seed: 9);
        var resampler = new Resampler(48000, 16000);
        var first = Resample(resampler, input);
        resampler.Reset();

        Assert.Equal(first, Resample(resampler, input));
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void Process_BegunAtAPeriod_GivesWhatOneFromTheStartGives(int rate)
    {
        var probe = new Resampler(rate, 16000);
        Assert.InRange(probe.Period, 1, 30L * rate);
        var isOdd = rate is 11025 or 44056 or 47999 or 88200 or 191999; // their blocks and phases meet too seldom
        var random = new Random(rate);
        var input = new float[probe.Period + probe.Reach + (2 * rate)];
        for (var i = 0; i < input.Length; i++)
            input[i] = (random.NextSingle() * 2) - 1;

        var whole = Resample(rate, 16000, input);
        var late = Resample(rate, 16000, input[probe.Period..]);

        Assert.Equal(0, (long)probe.Period * 16000 % rate);
        var first = (int)((long)probe.Period * 16000 / rate);
        Assert.Equal(whole.Length - first, late.Length);
        for (var n = (int)Math.Ceiling(probe.Reach * 16000.0 / rate); n < late.Length; n++)
            Assert.Equal(whole[first + n], late[n], isOdd ? 1e-4f : 0f);
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1_000_001)]
    public void Constructor_RateOutOfRange_Throws(int rate) => Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler(rate, 16000));

    private static float[] Tone(int rate, double frequency) =>
        [.. Enumerable.Range(0, rate).Select(n => (float)Math.Sin(2 * Math.PI * frequency * n / rate))];

    private static float[] Resample(int from, int to, float[] input, SimdKernel? kernel = null) =>
        Resample(new Resampler(from, to, kernel), input);

    private static float[] Resample(Resampler resampler, float[] input)
    {
        var result = new List<float>();
        var buffer = new float[1000];
        Drain(resampler, input, buffer, result);
        for (int n; (n = resampler.Flush(buffer)) > 0;)
            result.AddRange(buffer.AsSpan(0, n));
        return [.. result];
    }

    private static void Drain(Resampler resampler, ReadOnlySpan<float> input, float[] buffer, List<float> result)
    {
        while (!input.IsEmpty)
        {
            var n = resampler.Process(input, buffer, out var taken);
            Assert.True(n > 0 || taken > 0);
            input = input[taken..];
            result.AddRange(buffer.AsSpan(0, n));
        }
    }

    /// <summary>Level of a tone in decibels of full scale, by correlation over whole periods in the middle.</summary>
    private static double Level(float[] samples, int rate, double frequency)
    {
        var middle = samples[2000..^2000];
        var sum = Complex.Zero;
        for (var n = 0; n < middle.Length; n++)
            sum += middle[n] * Complex.Exp(new Complex(0, -2 * Math.PI * frequency * n / rate));
        return 20 * Math.Log10(2 * sum.Magnitude / middle.Length);
    }

    private static float[] Sweep(int rate, double from, double to)
    {
        var seconds = 4.0;
        return [.. Enumerable.Range(0, (int)(seconds * rate))
            .Select(i => i / (double)rate).Select(t => (float)Math.Sin(2 * Math.PI * ((from * t) + ((to - from) * t * t / 2 / seconds))))];
    }

    /// <summary>What is left of a tone at 16 kHz when the tone itself is taken off, in decibels under it; the edges are left out.</summary>
    private static double Residue(float[] output, double frequency)
    {
        var inner = output[1000..^1000];
        double ss = 0, cc = 0, sc = 0, ys = 0, yc = 0;
        (double S, double C) At(int i) => Math.SinCos(2 * Math.PI * frequency * i / 16000);
        for (var i = 0; i < inner.Length; i++)
        {
            var (s, c) = At(i);
            (ss, cc, sc, ys, yc) = (ss + (s * s), cc + (c * c), sc + (s * c), ys + (inner[i] * s), yc + (inner[i] * c));
        }

        var det = (ss * cc) - (sc * sc);
        double a = ((ys * cc) - (yc * sc)) / det, b = ((yc * ss) - (ys * sc)) / det, noise = 0;
        for (var i = 0; i < inner.Length; i++)
        {
            var (s, c) = At(i);
            var rest = inner[i] - (a * s) - (b * c);
            noise += rest * rest;
        }

        return 10 * Math.Log10(noise / inner.Length / (((a * a) + (b * b)) / 2));
    }
}
