using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Dsp;

namespace AstStream.Benchmarks;

/// <summary>
/// Our resampler and libsoxr (Debian's libsoxr0) at its high-quality setting, taking turns on one thread, in blocks of 100 ms: speed, and
/// what is left beside a tone.
/// </summary>
internal static unsafe partial class BesideSoxr
{
    private const int Output = 16_000;
    private const int Seconds = 10;
    private const int Rounds = 25;
    private const int WarmUp = 3;

    private static readonly int[] s_rates = [8000, 11025, 12000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000];

    private delegate int Resample(float[] input, float[] output);

    public static void Print()
    {
        // The JIT recompiles what has run for a while, when it finds the time: nothing is measured before that.
        for (var round = 0; round < WarmUp; round++)
        {
            foreach (var rate in s_rates)
            {
                Ours(new Resampler(rate, Output), FrontEndLines.Noise(rate), new float[2 * Output], rate / 10);
                Task.Delay(100).GetAwaiter().GetResult();
            }
        }

        Console.WriteLine(
            "rate to 16 kHz | ours, times real time: median (best) | libsoxr HQ: median (best) | ours/libsoxr | 1 kHz tone to the rest, "
                + "ours | libsoxr");
        foreach (var rate in s_rates)
        {
            var noise = FrontEndLines.Noise(Seconds * rate);
            var output = new float[(Seconds + 1) * Output];
            var ours = new Resampler(rate, Output);
            using var soxr = new Soxr(rate);
            Resample[] both = [(i, o) => Ours(ours, i, o, rate / 10), (i, o) => soxr.Run(i, o, rate / 10)];
            var times = new[] { new List<double>(), new List<double>() };
            for (var round = 0; round < Rounds; round++)
            {
                for (var k = 0; k < 2; k++)
                {
                    var start = Stopwatch.GetTimestamp();
                    both[k](noise, output);
                    times[k].Add(Seconds / Stopwatch.GetElapsedTime(start).TotalSeconds);
                }
            }

            double Median(int k) => times[k].Order().ElementAt(Rounds / 2);
            var tone = Enumerable.Range(0, Seconds * rate).Select(i => (float)(0.9 * Math.Sin(2 * Math.PI * 1000 * i / rate))).ToArray();
            double ToRest(int k) => Snr(output.AsSpan(0, both[k](tone, output)));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{rate,6} | {Median(0):0} ({times[0].Max():0}) | {Median(1):0} ({times[1].Max():0}) | {Median(0) / Median(1):0.00} | "
                    + $"{ToRest(0):0.0} dB | {ToRest(1):0.0} dB"));
        }
    }

    private static int Ours(Resampler resampler, float[] input, float[] output, int block)
    {
        resampler.Reset();
        var given = 0;
        for (var at = 0; at < input.Length; at += block)
        {
            for (var rest = input.AsSpan(at, Math.Min(block, input.Length - at)); !rest.IsEmpty;)
            {
                given += resampler.Process(rest, output.AsSpan(given), out var taken);
                rest = rest[taken..];
            }
        }

        return given;
    }

    /// <summary>The power of a 1 kHz tone to that of all else, by least squares, in the middle of the output.</summary>
    private static double Snr(ReadOnlySpan<float> output)
    {
        var inner = output.Slice(Output, (Seconds - 2) * Output);
        double s = 0, c = 0, all = 0;
        for (var i = 0; i < inner.Length; i++)
        {
            // A whole number of periods: sine and cosine are orthogonal.
            var (sin, cos) = Math.SinCos(2 * Math.PI * 1000 * i / Output);
            s += inner[i] * sin;
            c += inner[i] * cos;
            all += (double)inner[i] * inner[i];
        }

        var (a, b) = (2 * s / inner.Length, 2 * c / inner.Length);
        double rest = 0;
        for (var i = 0; i < inner.Length; i++)
        {
            var (sin, cos) = Math.SinCos(2 * Math.PI * 1000 * i / Output);
            var r = inner[i] - (a * sin) - (b * cos);
            rest += r * r;
        }

        return 10 * Math.Log10(all / rest);
    }

    private sealed class Soxr : IDisposable
    {
        private readonly IntPtr _handle;

        public Soxr(int rate)
        {
            // No specifications: one thread, float32, the high-quality recipe.
            IntPtr error = default;
            _handle = Create(rate, Output, 1, &error, null, null, null);
            if (_handle == IntPtr.Zero)
                throw new InvalidOperationException("libsoxr: " + Marshal.PtrToStringUTF8(error));
        }

        public int Run(float[] input, float[] output, int block)
        {
            Clear(_handle);
            nuint given = 0;
            fixed (float* i = input, o = output)
            {
                for (nuint at = 0; at < (nuint)input.Length;)
                {
                    nuint taken, more;
                    Process(_handle, i + at, Math.Min((nuint)block, (nuint)input.Length - at), &taken, o + given,
                        (nuint)output.Length - given, &more);
                    at += taken;
                    given += more;
                }
            }

            return (int)given;
        }

        public void Dispose() => Delete(_handle);
    }

    [LibraryImport("libsoxr.so.0", EntryPoint = "soxr_create")]
    private static partial IntPtr Create(double input, double output, uint channels, IntPtr* error, void* io, void* quality, void* runtime);

    [LibraryImport("libsoxr.so.0", EntryPoint = "soxr_process")]
    private static partial IntPtr Process(
        IntPtr soxr, float* input, nuint inputLength, nuint* taken, float* output, nuint outputLength, nuint* given);

    [LibraryImport("libsoxr.so.0", EntryPoint = "soxr_clear")]
    private static partial IntPtr Clear(IntPtr soxr);

    [LibraryImport("libsoxr.so.0", EntryPoint = "soxr_delete")]
    private static partial void Delete(IntPtr soxr);
}
