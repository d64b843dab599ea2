using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace AstStream.Dsp;

/// <summary>
/// Looks whether sound comes at a scale that can't be meant: 24-bit samples in the low end of 32-bit words, floats that are whole numbers
/// of 16 bits, a microphone whose input is turned down. Judges a stream's first minute, or all of it where it is shorter. For one thread;
/// nothing is allocated.
/// </summary>
/// <param name="sampleRate">Samples a second.</param>
public sealed class LevelHint(int sampleRate)
{
    /// <summary>Peaks under this, over a minute, are hardly meant, in dBFS.</summary>
    public const double TooQuiet = -46;

    /// <summary>Peaks over this are not meant, in dBFS.</summary>
    public const double TooLoud = 6;

    private const double Wanted = -20; // dBFS, of a peak that was too quiet
    private const int Judged = 60; // seconds
    private const int Least = 1; // second

    private long _count;
    private float _peak;

    /// <summary>Whether it has heard enough.</summary>
    public bool IsDone => _count >= (long)Judged * sampleRate;

    /// <summary>Takes samples.</summary>
    public void Accept(ReadOnlySpan<float> samples)
    {
        if (IsDone)
            return;
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(samples);
        Vector<float> peak = default;
        foreach (var x in vectors)
            peak = Vector.Max(peak, Vector.Abs(x));
        for (var i = 0; i < Vector<float>.Count; i++)
            _peak = Math.Max(_peak, peak[i]);
        foreach (var x in samples[(vectors.Length * Vector<float>.Count)..])
            _peak = Math.Max(_peak, Math.Abs(x));
        _count += samples.Length;
    }

    /// <summary>
    /// What is odd about the level, and the gain that would put it right; null where all is well, where it is digital silence, or too short
    /// to tell.
    /// </summary>
    public string? Text
    {
        get
        {
            if (_count < (long)Least * sampleRate || _peak == 0)
                return null;
            var peak = 20 * Math.Log10(_peak);
            var heard = string.Create(CultureInfo.InvariantCulture,
                $"peaks at {peak:0.0} dBFS in its first {Math.Round(Math.Min(Judged, (double)_count / sampleRate))} s");
            if (peak > TooLoud)
            {
                const double whole = 90.309; // 32767 beside 1
                return string.Create(CultureInfo.InvariantCulture, $"{heard}, as if its samples were whole numbers and not from -1 to 1; "
                    + $"gain: {(peak > whole / 2 ? -whole : -peak):0.#} would put that right");
            }

            return peak < TooQuiet
                ? string.Create(CultureInfo.InvariantCulture, $"{heard}, which is very quiet: are its samples in the low end of larger "
                    + $"words, or is an input turned down? gain: {Wanted - peak:0} would bring that to {Wanted:0} dBFS")
                : null;
        }
    }
}
