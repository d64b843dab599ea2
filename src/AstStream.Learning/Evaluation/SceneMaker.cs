using AstStream.Dsp;

namespace AstStream.Learning.Evaluation;

/// <summary>
/// Makes scenes: sounds at known places and levels over a background, mono at 16 kHz. The same seed makes the same scene.
/// </summary>
/// <param name="options">How.</param>
/// <param name="seed">Decides what is random.</param>
public sealed class SceneMaker(SceneOptions options, int seed)
{
    private const int Rate = FbankOptions.SampleRate;
    private const int Frame = Rate / 50; // 20 ms
    private const double Audible = 25; // dB under a sound's loudest frame; what is softer at its ends is no part of it
    private const double Apart = 0.5; // seconds
    private const double Fade = 0.01; // seconds
    private const float Loudest = 0.95f;
    private const int Tries = 200;

    private readonly Random _random = new(seed);

    /// <summary>Draws clips for the events of a scene.</summary>
    public IReadOnlyList<LabelledClip> Draw(IReadOnlyList<LabelledClip> clips) =>
        [.. Enumerable.Range(0, options.Events).Select(_ => clips[_random.Next(clips.Count)])];

    /// <summary>
    /// The part of a recording in which its sound is audible: without the soft ends, and at most as long as an event may be.
    /// </summary>
    public ReadOnlyMemory<float> Sounding(ReadOnlyMemory<float> samples)
    {
        var levels = new double[samples.Length / Frame];
        for (var i = 0; i < levels.Length; i++)
            levels[i] = Level(samples.Span.Slice(i * Frame, Frame));
        if (levels.Length == 0 || levels.Max() < -90)
            return default;
        var least = levels.Max() - Audible;
        var (first, last) = (Array.FindIndex(levels, l => l >= least), Array.FindLastIndex(levels, l => l >= least));
        var length = Math.Min((last + 1 - first) * Frame, (int)(options.LongestEvent * Rate));
        return samples.Slice(first * Frame, length);
    }

    /// <summary>
    /// A background as long as a scene: a part of a recording, over and over where that is short, at the level that is asked for.
    /// </summary>
    /// <param name="recording">The recording; pink noise where it is empty.</param>
    public float[] Background(ReadOnlySpan<float> recording)
    {
        var scene = new float[(int)(options.Length * Rate)];
        if (recording.IsEmpty)
        {
            Pink(scene);
        }
        else
        {
            var at = _random.Next(recording.Length);
            for (var i = 0; i < scene.Length; i++, at++)
                scene[i] = recording[at % recording.Length];
        }

        Scale(scene, options.BackgroundLevel - Level(scene));
        return scene;
    }

    /// <summary>Puts events over a background.</summary>
    /// <param name="file">What the scene is called.</param>
    /// <param name="scene">The background; gets the events.</param>
    /// <param name="sounds">A sound and its label for each event, in this order; an empty one for none.</param>
    /// <returns>What is where, by onset.</returns>
    public IReadOnlyList<TimedLabel> Fill(
        string file, float[] scene, IEnumerable<(ReadOnlyMemory<float> Sound, string Label)> sounds)
    {
        var events = new List<TimedLabel>();
        foreach (var (sound, label) in sounds.Take(options.Events))
        {
            if (sound.IsEmpty || Place(sound.Length, events, scene.Length) is not { } start)
                continue;
            var under = scene.AsSpan(start, sound.Length);
            var gain = Math.Pow(10, (Level(under) + options.Snr - Level(sound.Span)) / 20);
            var fade = (int)(Fade * Rate);
            for (var k = 0; k < sound.Length; k++)
            {
                var edge = Math.Min(1, Math.Min(k + 1, sound.Length - k) / (double)fade);
                under[k] += (float)(sound.Span[k] * gain * edge);
            }

            events.Add(new TimedLabel(file, label, start / (double)Rate, (start + sound.Length) / (double)Rate));
        }

        var peak = scene.Max(MathF.Abs);
        if (peak > Loudest)
        {
            foreach (ref var sample in scene.AsSpan())
                sample *= Loudest / peak;
        }

        return [.. events.OrderBy(e => e.Onset)];
    }

    /// <summary>The level in decibels of full scale; of silence -200.</summary>
    internal static double Level(ReadOnlySpan<float> samples)
    {
        var sum = 0.0;
        foreach (var sample in samples)
            sum += sample * (double)sample;
        return 10 * Math.Log10((sum / Math.Max(1, samples.Length)) + 1e-20);
    }

    private static void Scale(Span<float> samples, double decibels)
    {
        var gain = (float)Math.Pow(10, decibels / 20);
        foreach (ref var sample in samples)
            sample *= gain;
    }

    /// <summary>Where an event begins, away from the others unless it may overlap them; null where there is no room.</summary>
    private int? Place(int length, List<TimedLabel> events, int scene)
    {
        for (var i = 0; i < Tries && length < scene; i++)
        {
            var start = _random.Next(scene - length);
            var (onset, offset) = (start / (double)Rate, (start + length) / (double)Rate);
            if (options.Overlaps || events.TrueForAll(e => offset + Apart <= e.Onset || e.Offset + Apart <= onset))
                return start;
        }

        return null;
    }

    /// <summary>Noise of equal power in every octave: Voss's sum of noises that change half as often each.</summary>
    private void Pink(float[] samples)
    {
        Span<float> rows = stackalloc float[12];
        for (var i = 0; i < samples.Length; i++)
        {
            for (var row = 0; row < rows.Length && i % (1 << row) == 0; row++)
                rows[row] = (float)(_random.NextDouble() - 0.5);
            var sum = (float)(_random.NextDouble() - 0.5);
            foreach (var row in rows)
                sum += row;
            samples[i] = sum;
        }
    }
}
