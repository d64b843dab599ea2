using AstStream.Dsp.Levels;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp.Levels;

/// <summary>A level meter against the limits of the standards, class 2, and against arithmetic.</summary>
public sealed class SoundLevelMeterTests
{
    private const double Sine = -3.0103; // of full scale

    // IEC 61672-1:2013, table 3: frequency in tenths of a decade, from 10 Hz; how much more and less class 2 allows.
    private static readonly (double More, double Less)[] s_weighting =
    [
        (5, 99), (5, 99), (5, 99), (3, 3), (3, 3), (3, 3), (2, 2), (2, 2), (2, 2), (2, 2), (1.5, 1.5), (1.5, 1.5), (1.5, 1.5), (1.5, 1.5),
        (1.5, 1.5), (1.5, 1.5), (1.5, 1.5), (1.5, 1.5), (1.5, 1.5), (1.5, 1.5), (1, 1), (1.5, 1.5), (2, 2), (2, 2), (2.5, 2.5), (2.5, 2.5),
        (3, 3), (3.5, 3.5), (4.5, 4.5), (5, 5), (5, 99), (5, 99), (5, 99), (5, 99),
    ];

    // IEC 61260-1:2014, table 1: for an octave band, at G to the power of so much from its middle, at least and at most so much less. Where
    // the edition of 1995 asks for more, that stands here.
    private static readonly (double Power, double Least, double Most)[] s_band =
    [
        (0, -0.5, 0.5), (0.125, -0.5, 0.6), (0.25, -0.5, 0.8), (0.375, -0.5, 1.6), (0.4999, -0.5, 5.5), (0.5001, 1.6, 99), (1, 16.5, 999),
        (2, 41, 999), (3, 55, 999), (4, 60, 999), (5, 60, 999),
    ];

    [Theory]
    [InlineData(8_000)]
    [InlineData(16_000)]
    [InlineData(44_100)]
    [InlineData(48_000)]
    [InlineData(192_000)]
    public void Weightings_Tones_AreInClass2(int rate)
    {
        for (var i = 0; i < s_weighting.Length && Hz(i + 10) < 0.45 * rate; i++)
        {
            var f = Hz(i + 10);
            var heard = Measure(rate, f, seconds: 2);
            var (a, c) = (heard.LAeq - Sine - Response(f, isA: true), heard.LCpeak - Response(f, isA: false));
            Assert.True(a <= s_weighting[i].More && a >= -s_weighting[i].Less, $"A at {f:F1} Hz is {a:F2} dB off");
            Assert.True(c <= s_weighting[i].More && c >= -s_weighting[i].Less, $"C at {f:F1} Hz is {c:F2} dB off");
            if (f <= rate / 8.0)
                Assert.InRange(Math.Max(Math.Abs(a), Math.Abs(c)), 0, 0.3);
        }
    }

    [Theory]
    [InlineData(16_000)]
    [InlineData(48_000)]
    public void Bands_TonesOverTheMask_AreInClass2(int rate)
    {
        // A tone for each place of the mask of each band, on both sides; a third octave's places are nearer than an octave's.
        var (whole, edge) = (Math.Pow(10, 0.3), Math.Pow(10, 0.15));
        var third = (Math.Pow(10, 0.05) - 1) / (edge - 1);
        var bands = ThirdOctaves.Count(rate);
        for (var i = 0; i < bands; i++)
        {
            var middle = ThirdOctaves.Centre(ThirdOctaves.Lowest + i);
            foreach (var (power, least, most) in s_band)
            {
                var ratio = 1 + (third * (Math.Pow(whole, power) - 1));
                foreach (var f in ((double[])[middle * ratio, middle / ratio]).Where(f => f > 2 && f < 0.495 * rate))
                {
                    var attenuation = Sine - Measure(rate, f, seconds: middle < 200 ? 5 : 2).Bands[i];
                    Assert.True(
                        attenuation >= least - 1e-6 && attenuation <= most,
                        $"band {middle:F0} Hz at {f:F1} Hz: {attenuation:F2} dB less, expected {least} to {most}");
                }
            }
        }
    }

    [Fact]
    public void Levels_LoudThenQuiet_AreThoseOfArithmetic()
    {
        var samples = new float[16_000 * 60];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = (float)((i < 16_000 * 12 ? 1 : 0.01) * Math.Sin(2 * Math.PI * 1000 * i / 16_000));
        var heard = Of(16_000, samples);
        Assert.Equal(60, heard.Seconds, 6);
        Assert.Equal(Sine + (10 * Math.Log10(0.2 + (0.8 * 0.0001))), heard.LAeq, 0.02);
        Assert.Equal(0, heard.LCpeak, 0.5); // it begins and ends at once
        Assert.Equal(Sine, heard.LA10, 0.05);
        Assert.Equal(Sine - 40, heard.LA90, 0.05);
    }

    [Theory]
    [InlineData(31.5, 1, 2.5, 3)]
    [InlineData(500, 1, 3.5, 2)]
    [InlineData(8000, 1, 3.4, 3)]
    [InlineData(500, 0.5, 2.4, 2)]
    public void Peak_CyclesOfATone_AreInClass2(double frequency, double cycles, double more, double tolerance)
    {
        // IEC 61672-1, table 5: a peak against the steady level of the same tone.
        const int rate = 48_000;
        var samples = new float[rate];
        var from = rate / 2;
        for (var i = 0; i < Math.Round(cycles * rate / frequency); i++)
            samples[from + i] = (float)Math.Sin(2 * Math.PI * frequency * i / rate);
        var steady = Sine + Response(frequency, isA: false);
        Assert.Equal(more, Of(rate, samples).LCpeak - steady, tolerance);
    }

    [Fact]
    public void Fast_AfterATone_FallsAsTheStandardSays()
    {
        var meter = new SoundLevelMeter(16_000, hasBands: false);
        var samples = new float[32_000];
        for (var i = 0; i < 16_000; i++)
            samples[i] = (float)Math.Sin(2 * Math.PI * 1000 * i / 16_000);
        ReadOnlySpan<float> rest = samples;
        var levels = new List<double>();
        while (meter.Accept(ref rest))
            levels.Add(10 * Math.Log10(meter.FastPower));
        Assert.Equal(Sine, levels[9], 0.05);
        Assert.InRange(levels[10] - levels[15], 0.5 * (34.7 - 3.7), 0.5 * (34.7 + 3.8)); // dB in half a second
    }

    [Fact]
    public void Bands_WhiteNoise_AddUpToItsPower()
    {
        var random = new Random(1);
        var samples = new float[48_000 * 20];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = (float)(random.NextDouble() - 0.5);
        var heard = Of(48_000, samples);
        var low = ThirdOctaves.Edges(ThirdOctaves.Lowest).Low;
        var high = ThirdOctaves.Edges(ThirdOctaves.Lowest + heard.Bands.Count - 1).High;
        Assert.Equal(10 * Math.Log10((high - low) / 24_000 / 12), 10 * Math.Log10(heard.Bands.Sum(b => Math.Pow(10, b / 10))), 0.1);
    }

    [Fact]
    public void Accept_WhatIsNoSound_IsSilence()
    {
        Assert.InRange(Of(16_000, [.. Enumerable.Repeat(0.7f, 16_000)]).LCpeak, LevelSummary.Floor, -100); // a constant
        float[] none = [float.NaN, float.PositiveInfinity, 0];
        var heard = Of(16_000, [.. Enumerable.Range(0, 32_000).Select(i => none[i % 3])]);
        Assert.Equal([LevelSummary.Floor, LevelSummary.Floor, LevelSummary.Floor], [heard.LAeq, heard.LCpeak, heard.LA10]);
        Assert.All(heard.Bands, b => Assert.Equal(LevelSummary.Floor, b));
        Assert.Null(new LevelPeriod().Take());
    }

    [Fact]
    public void Accept_AfterReset_IsAsANewMeter()
    {
        var noise = Noise(16_000, 5);
        var meter = new SoundLevelMeter(16_000, hasBands: true);
        ReadOnlySpan<float> before = Noise(9_999, 6);
        while (meter.Accept(ref before))
        {
        }

        meter.Reset();
        Assert.Equivalent(Of(16_000, noise), Of(meter, noise), strict: true);
    }

    [Property]
    public void Accept_AnyBlocks_MeasuresTheSame(int[] cuts)
    {
        var noise = Noise(16_000, 3);
        var meter = new SoundLevelMeter(16_000, hasBands: true);
        var period = new LevelPeriod();
        var at = 0;
        foreach (var cut in cuts.Select(c => Math.Abs((long)c) % 4000).Append(noise.Length))
        {
            ReadOnlySpan<float> block = noise.AsSpan(at, (int)Math.Min(cut, noise.Length - at));
            at += block.Length;
            while (meter.Accept(ref block))
                period.Add(meter);
        }

        Assert.Equivalent(Of(16_000, noise), period.Take(), strict: true);
    }

    [Fact]
    public void Accept_AllocatesNothing()
    {
        var meter = new SoundLevelMeter(44_100, hasBands: true);
        var noise = Noise(44_100, 4);
        ReadOnlySpan<float> first = noise;
        meter.Accept(ref first);
        var before = GC.GetAllocatedBytesForCurrentThread();
        ReadOnlySpan<float> rest = noise;
        while (meter.Accept(ref rest))
        {
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(8_000, 3150)]
    [InlineData(16_000, 6300)]
    [InlineData(44_100, 16_000)]
    [InlineData(192_000, 20_000)]
    public void Count_OfARate_EndsAtItsHighestBand(int rate, double highest)
    {
        Assert.Equal(highest, ThirdOctaves.Nominal(ThirdOctaves.Lowest + ThirdOctaves.Count(rate) - 1), 6);
        Assert.Equal([25, 31.5, 40], [.. Enumerable.Range(ThirdOctaves.Lowest, 3).Select(ThirdOctaves.Nominal)]);
    }

    /// <summary>Weighting A or C of IEC 61672-1, annex E, in dB.</summary>
    private static double Response(double f, bool isA)
    {
        double Of(double x)
        {
            double square = x * x, f1 = 20.598997 * 20.598997, f4 = 12194.217 * 12194.217;
            var c = f4 * square / ((square + f1) * (square + f4));
            return isA ? c * square / Math.Sqrt((square + (107.65265 * 107.65265)) * (square + (737.86223 * 737.86223))) : c;
        }

        return 20 * Math.Log10(Of(f) / Of(1000));
    }

    private static double Hz(int band) => Math.Pow(10, band / 10.0);

    /// <summary>The last second of a full-scale tone.</summary>
    private static LevelSummary Measure(int rate, double frequency, int seconds)
    {
        var samples = new float[rate * seconds];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = (float)Math.Sin(2 * Math.PI * frequency * i / rate);
        var meter = new SoundLevelMeter(rate, hasBands: true);
        ReadOnlySpan<float> before = samples.AsSpan(0, samples.Length - rate - (rate % SoundLevelMeter.PiecesPerSecond));
        while (meter.Accept(ref before))
        {
        }

        return Of(meter, samples.AsSpan(samples.Length - rate));
    }

    private static LevelSummary Of(int rate, float[] samples) => Of(new SoundLevelMeter(rate, hasBands: true), samples);

    private static LevelSummary Of(SoundLevelMeter meter, ReadOnlySpan<float> samples)
    {
        var period = new LevelPeriod();
        while (meter.Accept(ref samples))
            period.Add(meter);
        return period.Take()!;
    }

    private static float[] Noise(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
