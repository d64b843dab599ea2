using AstStream.Dsp;
using AstStream.Streaming.Sources;

namespace AstStream.Learning;

/// <summary>Whole clips as samples at the model's rate.</summary>
public static class ClipSamples
{
    /// <summary>Reads mono samples of 16 kHz, at most so many seconds.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <param name="seconds">The most that is wanted.</param>
    /// <exception cref="InvalidAudioException">It can't be read.</exception>
    public static float[] Read(IAudioReader sound, double seconds)
    {
        var most = (int)Math.Min(seconds * FbankOptions.SampleRate, Array.MaxLength);
        var resampler = new Resampler(sound.SampleRate, FbankOptions.SampleRate);
        var (samples, input, output) = (new List<float>(), new float[4096], new float[4096]);
        for (int read; samples.Count < most && (read = sound.Read(input)) > 0;)
        {
            for (var rest = input.AsSpan(0, read); !rest.IsEmpty;)
            {
                samples.AddRange(output.AsSpan(0, resampler.Process(rest, output, out var taken)));
                rest = rest[taken..];
            }
        }

        for (int given; samples.Count < most && (given = resampler.Flush(output)) > 0;)
            samples.AddRange(output.AsSpan(0, given));
        return [.. samples.Take(most)];
    }
}
