using AstStream.Dsp;
using AstStream.Dsp.Simd;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Dsp;

public class OnlineFbankTests
{
    private const float Floor = -15.9424f; // ln 2⁻²³
    private const float Decibels85 = 19.57f; // as a natural log of power

    public static TheoryData<SimdKernel> Kernels => [.. SimdKernels.Supported];

    public static TheoryData<SimdKernel, string> KernelsAndClips =>
        Reference.Pairs(SimdKernels.Supported, (string[])[.. Reference.Clips, "one-frame"]);

    /// <summary>
    /// An object that nobody else sees may be taken apart by the compiler: what its pointers point to must live on. (They share their
    /// scratch memory here, so values are not looked at.)
    /// </summary>
    [Fact]
    public void AppendFrames_OfOneThatNobodyKeeps_OutlivesCollections()
    {
        var samples = Reference.Samples("bursts-12s");
        var shared = new OnlineFbank();
        var expected = Frames(new OnlineFbank(), samples, int.MaxValue).Length;
        Parallel.For(0, 1000, i =>
        {
            var frames = new List<float>(expected);
            shared.Another().AppendFrames(samples, frames);
            Assert.Equal(expected, frames.Count);
            if (i % 16 == 0)
                GC.Collect();
        });
    }

    [Theory]
    [MemberData(nameof(KernelsAndClips))]
    public void Read_ReferenceClip_MatchesTorchaudioOverTheFloor(SimdKernel kernel, string clip)
    {
        var (shape, expected) = Reference.Npy($"fbank/{clip}.npy");

        var actual = Frames(new OnlineFbank(new FbankOptions { Kernel = kernel }), Reference.Samples(clip), int.MaxValue);

        Assert.Equal(shape[0] * 128, actual.Length);
        for (var i = 0; i < actual.Length; i++)
        {
            // Float32 carries 24 bits: 85 dB and more under the frame's loudest bin, torchaudio itself is up to 1.5e-2 away from
            // a double-precision computation of the same definition, and so are we.
            var frame = expected.AsSpan(i / 128 * 128, 128);
            var loudest = float.NegativeInfinity;
            foreach (var x in frame)
                loudest = MathF.Max(loudest, x);
            var tolerance = expected[i] > Floor + 1e-3f && expected[i] > loudest - Decibels85 ? 2e-3f : 3e-2f;
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= tolerance,
                $"frame {i / 128}, bin {i % 128}: expected {expected[i]}, found {actual[i]}");
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Read_LoudNoise_MatchesDoublePrecisionDefinition(SimdKernel kernel)
    {
        var samples = Noise(1200, seed: 3);
        var expected = Definition(samples);

        var actual = Frames(new OnlineFbank(new FbankOptions { Kernel = kernel }), samples, int.MaxValue);

        Reference.AssertClose(expected, actual, 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Read_AnyKernel_MatchesScalarKernel(SimdKernel kernel)
    {
        var samples = Noise(16_000, seed: 4);
        var expected = Frames(new OnlineFbank(new FbankOptions { Kernel = SimdKernel.Scalar }), samples, int.MaxValue);

        var actual = Frames(new OnlineFbank(new FbankOptions { Kernel = kernel }), samples, int.MaxValue);

        Reference.AssertClose(expected, actual, 5e-4f);
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Read_DigitalSilence_IsTheFloor(SimdKernel kernel)
    {
        var actual = Frames(new OnlineFbank(new FbankOptions { Kernel = kernel }), new float[800], int.MaxValue);

        Assert.Equal(3 * 128, actual.Length);
        Assert.All(actual, x => Assert.Equal(Floor, x, 1e-3f));
    }

    [Property(MaxTest = 200)]
    public Property Read_AnyChunking_GivesBitIdenticalFrames() =>
        Prop.ForAll(ArbMap.Default.ArbFor<PositiveInt[]>(), ArbMap.Default.ArbFor<int>(), (cuts, seed) =>
        {
            var samples = Noise(3000, seed);
            foreach (var kernel in SimdKernels.Supported)
            {
                var fbank = new OnlineFbank(new FbankOptions { Kernel = kernel });
                var whole = Frames(fbank, samples, int.MaxValue);
                fbank.Reset();
                var next = 0;
                var cut = Frames(fbank, samples, cuts.Length == 0 ? 1 : 0, () => cuts[next++ % cuts.Length].Get * 37 % 1500);
                if (!whole.AsSpan().SequenceEqual(cut))
                    return false;
            }

            return true;
        });

    [Fact]
    public void AcceptWaveform_399Samples_GivesNoFrame()
    {
        var fbank = new OnlineFbank();

        Assert.Equal(399, fbank.AcceptWaveform(Reference.Samples("short-24ms9")));

        Assert.Equal(0, fbank.NumFramesReady);
        Assert.Equal(0, fbank.Read(new float[1280]));
    }

    [Fact]
    public void AcceptWaveform_MoreThanTheBufferHolds_TakesWhatFitsAndGoesOnAfterReading()
    {
        var fbank = new OnlineFbank();
        var samples = Noise(50_000, seed: 1);

        var taken = fbank.AcceptWaveform(samples);

        Assert.InRange(taken, 400, samples.Length - 1);
        Assert.Equal(FbankOptions.NumFrames(taken), fbank.NumFramesReady);
        fbank.Read(new float[fbank.NumFramesReady * 128]);
        Assert.True(fbank.AcceptWaveform(samples.AsSpan(taken)) > 0);
    }

    [Fact]
    public void Read_NaNOutsideTheFrame_DoesNotReachTheFrame()
    {
        foreach (var kernel in SimdKernels.Supported)
        {
            var samples = Noise(720, seed: 5);
            samples.AsSpan(560).Fill(float.NaN); // frames 0 and 1 end at 560
            var fbank = new OnlineFbank(new FbankOptions { Kernel = kernel });

            var frames = Frames(fbank, samples, int.MaxValue);

            Assert.All(frames[..256], x => Assert.True(float.IsFinite(x)));
            Assert.All(frames[256..], x => Assert.True(float.IsNaN(x) || x <= Floor + 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(23)]
    [InlineData(64)]
    [InlineData(200)]
    public void Read_OtherNumMelBins_MatchesScalarKernel(int numMelBins)
    {
        var samples = Noise(4000, seed: 6);
        var expected = Frames(
            new OnlineFbank(new FbankOptions { Kernel = SimdKernel.Scalar, NumMelBins = numMelBins }), samples, int.MaxValue);
        foreach (var kernel in SimdKernels.Supported)
        {
            var actual = Frames(new OnlineFbank(new FbankOptions { Kernel = kernel, NumMelBins = numMelBins }), samples, int.MaxValue);
            Reference.AssertClose(expected, actual, 5e-4f);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Read_EveryNumMelBins_WritesItsFramesAndNothingBehind(SimdKernel kernel)
    {
        var samples = Noise(560, seed: 8);
        for (var bins = 1; bins <= 256; bins++)
        {
            var fbank = new OnlineFbank(new FbankOptions { Kernel = kernel, NumMelBins = bins });
            var frames = new float[(2 * bins) + 32];
            frames.AsSpan().Fill(123456);
            fbank.AcceptWaveform(samples);

            Assert.Equal(2, fbank.Read(frames.AsSpan(0, 2 * bins)));

            Assert.All(frames[..(2 * bins)], x => Assert.InRange(x, Floor - 1e-3f, 20));
            Assert.All(frames[(2 * bins)..], x => Assert.Equal(123456, x));
        }
    }

    [Fact]
    public void AcceptWaveformAndRead_AfterConstruction_AllocateNothing()
    {
        var fbank = new OnlineFbank();
        var block = Noise(1600, seed: 7);
        var frames = new float[32 * 128];
        long Allocated()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                fbank.AcceptWaveform(block);
                fbank.Read(frames);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // The runtime itself may allocate on this thread while it recompiles the loop; it does so once or twice.
        Assert.Contains(0, Enumerable.Range(0, 5).Select(_ => Allocated()));
    }

    [Fact]
    public void Choose_UnknownKernelName_NamesWhatThisMachineCanRun()
    {
        var e = Assert.Throws<NotSupportedException>(() => SimdKernels.Choose("sse9"));

        Assert.Contains("scalar", e.Message, StringComparison.Ordinal);
        Assert.Equal(SimdKernel.Scalar, SimdKernels.Choose("scalar"));
    }

    internal static float[] Noise(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 0.2f)];
    }

    private static float[] Frames(OnlineFbank fbank, float[] samples, int chunk, Func<int>? nextChunk = null)
    {
        var result = new List<float>();
        var buffer = new float[7 * fbank.NumMelBins];
        var rest = samples.AsSpan();
        while (!rest.IsEmpty)
        {
            var size = Math.Min(Math.Max(1, nextChunk is null || chunk != 0 ? chunk : nextChunk()), rest.Length);
            var block = rest[..size];
            rest = rest[size..];
            while (!block.IsEmpty)
            {
                block = block[fbank.AcceptWaveform(block)..];
                for (int n; (n = fbank.Read(buffer)) > 0;)
                    result.AddRange(buffer.AsSpan(0, n * fbank.NumMelBins));
            }
        }

        return [.. result];
    }

    /// <summary>The definition, step by step in double precision with a naive DFT.</summary>
    private static float[] Definition(float[] samples)
    {
        var result = new List<float>();
        for (var start = 0; start + 400 <= samples.Length; start += 160)
        {
            var x = samples.Skip(start).Take(400).Select(v => (double)v).ToArray();
            var mean = x.Average();
            x = [.. x.Select(v => v - mean)];
            var y = new double[512];
            for (var n = 0; n < 400; n++)
                y[n] = (x[n] - (0.97 * x[Math.Max(0, n - 1)])) * (0.5 - (0.5 * Math.Cos(2 * Math.PI * n / 399)));
            var power = new double[257];
            for (var k = 0; k < power.Length; k++)
            {
                double re = 0, im = 0;
                for (var n = 0; n < 400; n++)
                {
                    re += y[n] * Math.Cos(2 * Math.PI * k * n / 512);
                    im -= y[n] * Math.Sin(2 * Math.PI * k * n / 512);
                }

                power[k] = (re * re) + (im * im);
            }

            double Mel(double f) => 1127 * Math.Log(1 + (f / 700));
            var step = (Mel(8000) - Mel(20)) / 129;
            for (var m = 0; m < 128; m++)
            {
                double sum = 0, left = Mel(20) + (m * step);
                for (var k = 0; k < 256; k++)
                    sum += power[k] * Math.Max(0, 1 - Math.Abs(((Mel(k * 31.25) - left) / step) - 1));
                result.Add((float)Math.Log(Math.Max(sum, Math.Pow(2, -23))));
            }
        }

        return [.. result];
    }
}
