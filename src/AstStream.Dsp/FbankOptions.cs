using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Options of <see cref="OnlineFbank"/>, in Kaldi's words. What Audio Spectrogram Transformers fix is fixed here too:
/// 16 kHz, frames of 25 ms (400 samples) every 10 ms (160 samples), snip_edges, no dither, preemph_coeff 0.97, symmetric
/// Hann window, 512-point FFT, power spectrum, mel triangles from 20 Hz to 8000 Hz, natural log floored at 2⁻²³.
/// </summary>
public sealed record FbankOptions
{
    /// <summary>Samples a second.</summary>
    public const int SampleRate = 16_000;

    /// <summary>Samples in one frame (frame_length_ms = 25).</summary>
    public const int FrameLength = 400;

    /// <summary>Samples from one frame's start to the next one's (frame_shift_ms = 10).</summary>
    public const int FrameShift = 160;

    internal const int FftLength = 512;
    internal const float PreemphCoeff = 0.97f;
    internal const double LowFreq = 20;
    internal const double HighFreq = SampleRate / 2.0;
    internal const float EnergyFloor = 1.1920929e-07f; // 2⁻²³

    /// <summary>Mel bins per frame, 1 to 256; 128 by default.</summary>
    public int NumMelBins { get; init; } = 128;

    /// <summary>The kernel to run; the machine's fastest by default.</summary>
    public SimdKernel? Kernel { get; init; }

    /// <summary>The time from one frame's start to the next one's.</summary>
    public static TimeSpan FrameTime { get; } = TimeSpan.FromSeconds((double)FrameShift / SampleRate);

    /// <summary>How many frames a span of time is, by <see cref="FrameTime"/>; null where it is no whole number of them.</summary>
    public static int? WholeFrames(TimeSpan duration) =>
        duration.Ticks % FrameTime.Ticks == 0 ? (int)(duration.Ticks / FrameTime.Ticks) : null;

    /// <summary>How long a number of samples at <see cref="SampleRate"/> lasts, in seconds.</summary>
    public static double Seconds(long samples) => (double)samples / SampleRate;

    /// <summary>Whole frames in a number of samples: 1 + (N - 400) / 160, and none where N is below 400.</summary>
    public static long NumFrames(long samples) => samples < FrameLength ? 0 : 1 + ((samples - FrameLength) / FrameShift);

    /// <summary>Samples that a number of frames covers: 400 + 160·(frames - 1).</summary>
    public static long NumSamples(long frames) => frames <= 0 ? 0 : FrameLength + (FrameShift * (frames - 1));
}
