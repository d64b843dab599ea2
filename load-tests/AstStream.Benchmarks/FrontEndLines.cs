using System.Diagnostics;
using AstStream.Dsp;
using AstStream.Dsp.Simd;

namespace AstStream.Benchmarks;

/// <summary>
/// Times the log-mel front end as its peers' drivers are timed: a minute of noise pushed in 100 ms blocks, all frames pulled,
/// repeated for two seconds on one thread; prints the median and the least µs a frame of each kernel.
/// </summary>
internal static class FrontEndLines
{
    private const int Seconds = 60;

    public static void Print()
    {
        var samples = Noise(Seconds * FbankOptions.SampleRate);
        foreach (var kernel in SimdKernels.Supported.Reverse())
        {
            var fbank = new OnlineFbank(new FbankOptions { Kernel = kernel });
            var frames = new float[16 * fbank.NumMelBins];
            Line($"aststream-{kernel}".ToLowerInvariant(), () => Run(fbank, samples, frames));
        }
    }

    public static float[] Noise(int count)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 0.2f)];
    }

    public static int Run(OnlineFbank fbank, ReadOnlySpan<float> samples, Span<float> frames)
    {
        fbank.Reset();
        var count = 0;
        while (!samples.IsEmpty)
        {
            var block = samples[..Math.Min(1600, samples.Length)];
            while (!block.IsEmpty)
            {
                block = block[fbank.AcceptWaveform(block)..];
                for (int n; (n = fbank.Read(frames)) > 0;)
                    count += n;
            }

            samples = samples[Math.Min(1600, samples.Length)..];
        }

        return count;
    }

    private static void Line(string name, Func<int> run)
    {
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 4000;) // until the JIT has settled
            run();
        var times = new List<double>();
        for (var clock = Stopwatch.StartNew(); clock.ElapsedMilliseconds < 2000;)
        {
            var start = Stopwatch.GetTimestamp();
            var frames = run();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / frames);
        }

        times.Sort();
        Console.WriteLine($"{name}\t{times[times.Count / 2]:0.000}\t{times[0]:0.000}");
    }
}
