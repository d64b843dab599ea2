using System.Numerics;
using System.Runtime.InteropServices;

namespace AstStream.Dsp;

/// <summary>
/// What Hugging Face's ASTFeatureExtractor does with log-mel frames: cut to the window's length or pad with 0.0 at the end,
/// then (x - mean) / (2·std), padding included.
/// </summary>
/// <param name="Mean">The training data's mean log-mel energy; -4.2677393 for the AudioSet models.</param>
/// <param name="Std">Its standard deviation, over 0; 4.5689974 for the AudioSet models.</param>
/// <param name="DoNormalize">False leaves the values as they are.</param>
public readonly record struct FeatureNormalization(float Mean, float Std, bool DoNormalize = true)
{
    /// <summary>
    /// Fills a window from frames: both hold whole rows; the shorter one decides how many are copied, the rest is padding.
    /// </summary>
    public void Apply(ReadOnlySpan<float> frames, Span<float> window)
    {
        frames = frames[..Math.Min(frames.Length, window.Length)];
        if (!DoNormalize)
        {
            frames.CopyTo(window);
            window[frames.Length..].Clear();
            return;
        }

        var scale = 2 * Std;
        var mean = new Vector<float>(Mean);
        var scales = new Vector<float>(scale);
        var from = MemoryMarshal.Cast<float, Vector<float>>(frames);
        var to = MemoryMarshal.Cast<float, Vector<float>>(window);
        for (var i = 0; i < from.Length; i++)
            to[i] = (from[i] - mean) / scales;
        for (var i = from.Length * Vector<float>.Count; i < frames.Length; i++)
            window[i] = (frames[i] - Mean) / scale;
        window[frames.Length..].Fill((0 - Mean) / scale);
    }
}
