using AstStream.Dsp;
using AstStream.Model;

namespace AstStream.Worker;

/// <summary>The features of single clips: file to mono, to the model's rate, to log-mel, to input_values.</summary>
internal sealed class ClipFeatures(AstCheckpoint checkpoint)
{
    private readonly FeatureNormalization _normalization = new(checkpoint.Extractor.Mean, checkpoint.Extractor.Std, checkpoint.Extractor.DoNormalize);

    /// <summary>The first log-mel frames of a WAV file, at most <paramref name="maxFrames"/>.</summary>
    /// <exception cref="InvalidAudioException">The file can't be read, or has no sound.</exception>
    public float[] ReadFrames(string path, long maxFrames)
    {
        using var reader = WavReader.Open(path);
        if (reader.Truncation is { } truncation)
            throw new InvalidAudioException(truncation);
        var resampler = new Resampler(reader.Format.SampleRate, FbankOptions.SampleRate);
        var fbank = new OnlineFbank(new FbankOptions { NumMelBins = checkpoint.Config.NumMelBins });
        var frames = new List<float>();
        var input = new float[4096];
        var output = new float[4096];
        var row = new float[16 * fbank.NumMelBins];
        var heard = false;
        bool Push(ReadOnlySpan<float> samples)
        {
            while (!samples.IsEmpty)
            {
                samples = samples[fbank.AcceptWaveform(samples)..];
                for (int n; (n = fbank.Read(row)) > 0;)
                    frames.AddRange(row.AsSpan(0, n * fbank.NumMelBins));
            }

            return frames.Count >= maxFrames * (double)fbank.NumMelBins;
        }

        for (int read; (read = reader.Read(input)) > 0;)
        {
            heard = true;
            var rest = input.AsSpan(0, read);
            while (!rest.IsEmpty)
            {
                var given = resampler.Process(rest, output, out var taken);
                rest = rest[taken..];
                if (Push(output.AsSpan(0, given)))
                    return [.. frames.Take((int)maxFrames * fbank.NumMelBins)];
            }
        }

        if (reader.Truncation is { } broken)
            throw new InvalidAudioException(broken);
        if (reader.InvalidSamples > 0)
            Errors.Warn($"{path}: {reader.InvalidSamples} samples were not finite or absurdly large; they were read as silence or clamped");
        if (!heard)
            throw new InvalidAudioException($"{path}: holds no sound (0 samples)");
        for (int given; (given = resampler.Flush(output)) > 0;)
        {
            if (Push(output.AsSpan(0, given)))
                return [.. frames.Take((int)maxFrames * fbank.NumMelBins)];
        }

        return [.. frames];
    }

    /// <summary>The extractor's input_values from log-mel frames.</summary>
    public void Normalize(ReadOnlySpan<float> frames, Span<float> inputValues) => _normalization.Apply(frames, inputValues);
}
