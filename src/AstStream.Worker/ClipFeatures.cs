using AstStream.Connectors;
using AstStream.Dsp;
using AstStream.Model;

namespace AstStream.Worker;

/// <summary>The features of single clips: file to mono, to the model's rate, to log-mel, to input_values.</summary>
internal sealed class ClipFeatures(AstCheckpoint checkpoint)
{
    private readonly FeatureNormalization _normalization = new(checkpoint.Extractor.Mean, checkpoint.Extractor.Std, checkpoint.Extractor.DoNormalize);

    /// <summary>The first log-mel frames of a file, at most <paramref name="maxFrames"/>.</summary>
    /// <exception cref="InvalidAudioException">The file can't be read, or has no sound.</exception>
    public float[] ReadFrames(string path, long maxFrames)
    {
        using var reader = AudioFile.Open(path);
        if (reader.Truncation is { } truncation)
            throw new InvalidAudioException(truncation);
        var resampler = new Resampler(reader.SampleRate, FbankOptions.SampleRate);
        var fbank = new OnlineFbank(new FbankOptions { NumMelBins = checkpoint.Config.NumMelBins });
        var wanted = (int)Math.Min(maxFrames, Array.MaxLength / fbank.NumMelBins) * fbank.NumMelBins;
        var frames = new List<float>();
        var input = new float[4096];
        var output = new float[4096];
        var rows = new float[16 * fbank.NumMelBins];
        void Push(ReadOnlySpan<float> samples)
        {
            while (!samples.IsEmpty)
            {
                samples = samples[fbank.AcceptWaveform(samples)..];
                for (int n; (n = fbank.Read(rows)) > 0;)
                    frames.AddRange(rows.AsSpan(0, n * fbank.NumMelBins));
            }
        }

        var heard = false;
        for (int read; frames.Count < wanted && (read = reader.Read(input)) > 0; heard = true)
        {
            for (var rest = input.AsSpan(0, read); !rest.IsEmpty;)
            {
                Push(output.AsSpan(0, resampler.Process(rest, output, out var taken)));
                rest = rest[taken..];
            }
        }

        if (!heard)
            throw new InvalidAudioException($"{path}: holds no sound (0 samples)");
        for (int given; frames.Count < wanted && (given = resampler.Flush(output)) > 0;)
            Push(output.AsSpan(0, given));
        if (reader.Truncation is { } broken)
            throw new InvalidAudioException(broken);
        if (reader.Warning is { } warning)
            Errors.Warn(warning);
        return [.. frames.Take(wanted)];
    }

    /// <summary>Fills a window of raw log-mel from the front of a file, padded with 0.0.</summary>
    public void Fill(string path, int frames, Span<float> window)
    {
        var heard = ReadFrames(path, frames);
        heard.CopyTo(window);
        window[heard.Length..].Clear();
    }

    /// <summary>The extractor's input_values from log-mel frames.</summary>
    public void Normalize(ReadOnlySpan<float> frames, Span<float> inputValues) => _normalization.Apply(frames, inputValues);
}
