using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Sources;

namespace AstStream.Learning;

/// <summary>The features of single clips: sound to mono, to the model's rate, to log-mel, to input_values. Without a pipeline.</summary>
/// <param name="checkpoint">The model that they are for.</param>
/// <param name="warn">Hears what is odd about a clip and does no harm; nobody by default.</param>
public sealed class ClipFeatures(AstCheckpoint checkpoint, Action<string>? warn = null)
{
    private readonly int _bins = checkpoint.Config.NumMelBins;
    private readonly FeatureNormalization _normalization = new(
        checkpoint.Extractor.Mean, checkpoint.Extractor.Std, checkpoint.Extractor.DoNormalize);

    /// <summary>The first log-mel frames of a clip.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <param name="name">What errors and warnings call it.</param>
    /// <param name="maxFrames">The most that are wanted.</param>
    /// <exception cref="InvalidAudioException">It can't be read, or has no sound.</exception>
    public Clip Read(IAudioReader sound, string name, long maxFrames)
    {
        var wanted = (int)Math.Min(maxFrames, Array.MaxLength / _bins) * _bins;
        var reading = new ClipReading(sound, name, _bins, warn);
        var frames = new List<float>();
        while (frames.Count < wanted && reading.MoveNext())
            frames.AddRange(reading.Rows);
        var isCut = frames.Count >= wanted && reading.MoveNext();
        reading.End();
        return new Clip([.. frames.Take(wanted)], 0, isCut, sound.Truncation);
    }

    /// <summary>The features of a clip that is whole.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <param name="name">What errors and warnings call it.</param>
    /// <param name="maxFrames">The most that are wanted.</param>
    /// <exception cref="InvalidAudioException">It can't be read, has no sound, is cut off, or is shorter than a frame.</exception>
    public Clip ReadWhole(IAudioReader sound, string name, long maxFrames)
    {
        var clip = Read(sound, name, maxFrames);
        return (clip.Problem ?? (clip.Frames.Length > 0 ? null : TooShort(name))) is { } problem ? throw new InvalidAudioException(problem)
            : clip;
    }

    /// <summary>What is wrong with a clip that has no frame.</summary>
    public static string TooShort(string name) => $"{name}: is shorter than a frame of 25 ms";

    /// <summary>A clip in windows of so many frames, one after the other; the last one ends where the clip ends.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <param name="name">What errors and warnings call it.</param>
    /// <param name="frames">Frames of a window, 1 or more.</param>
    /// <exception cref="InvalidAudioException">It can't be read, or has no sound.</exception>
    public IEnumerable<Clip> ReadAll(IAudioReader sound, string name, int frames)
    {
        var reading = new ClipReading(sound, name, _bins, warn);
        var window = new List<float>(); // and what was in the one before
        var (given, heard) = (0L, 0L); // frames
        while (reading.MoveNext())
        {
            window.AddRange(reading.Rows);
            heard += reading.Rows.Length / _bins;
            for (; heard - given >= frames; given += frames)
            {
                var first = window.Count - ((int)(heard - given) * _bins);
                yield return new Clip([.. window.Skip(first).Take(frames * _bins)], given, false, null);
            }

            var surplus = window.Count - ((int)Math.Min(heard, (heard - given) + frames) * _bins);
            window.RemoveRange(0, Math.Max(0, surplus));
        }

        reading.End();
        if (heard > given || sound.Truncation is not null)
        {
            var last = (int)Math.Min(heard, frames);
            yield return new Clip([.. window.TakeLast(last * _bins)], heard - last, false, sound.Truncation);
        }
    }

    /// <summary>Fills a window of raw log-mel, padded with 0.0.</summary>
    public static void Fill(ReadOnlySpan<float> frames, Span<float> window)
    {
        frames.CopyTo(window);
        window[frames.Length..].Clear();
    }

    /// <summary>The extractor's input_values from log-mel frames.</summary>
    public void Normalize(ReadOnlySpan<float> frames, Span<float> inputValues) => _normalization.Apply(frames, inputValues);
}
