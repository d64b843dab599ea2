using System.Numerics;
using System.Runtime.InteropServices;

namespace AstStream.Dsp;

/// <summary>
/// Level, peak, clipping and DC offset of a stream of samples, over the last whole second, and how long it has been digitally silent.
/// One thread pushes; others may read at any time. Nothing is allocated.
/// </summary>
/// <param name="sampleRate">Samples a second.</param>
public sealed class SignalMeter(int sampleRate)
{
    /// <summary>Samples of at least this magnitude count as clipped: the last step below full scale of 16 bits.</summary>
    public const float ClippedFrom = 32767 / 32768f;

    /// <summary>What stands for silence in dBFS: under the last bit of 24.</summary>
    public const float FloorDb = -150;

    private readonly LevelHint _hint = new(sampleRate);
    private int _count;
    private double _sum;
    private double _power;
    private float _peak;
    private int _clipped;
    private long _clippedTotal;
    private long _zeros;
    private volatile float _rmsDb = FloorDb;
    private volatile float _peakDb = FloorDb;
    private volatile float _dcOffset;

    /// <summary>Samples a second.</summary>
    public int SampleRate => sampleRate;

    /// <summary>
    /// Root mean square in dBFS, where a full-scale square wave has 0 and a full-scale sine -3.01; at least <see cref="FloorDb"/>.
    /// </summary>
    public float RmsDb => _rmsDb;

    /// <summary>The largest magnitude in dBFS; at least <see cref="FloorDb"/>.</summary>
    public float PeakDb => _peakDb;

    /// <summary>The mean of the samples, -1 to 1.</summary>
    public float DcOffset => _dcOffset;

    /// <summary>Samples at full scale, over all time.</summary>
    public long ClippedSamples => Interlocked.Read(ref _clippedTotal);

    /// <summary>Seconds for which every sample has been exactly zero, up to now.</summary>
    public double SilentSeconds => (double)Interlocked.Read(ref _zeros) / sampleRate;

    /// <summary>What is odd about the level of the first minute, once that has been heard; else null.</summary>
    public string? HintText => _hint.IsDone ? _hint.Text : null;

    /// <summary>Takes samples.</summary>
    public void Accept(ReadOnlySpan<float> samples)
    {
        _hint.Accept(samples);
        while (!samples.IsEmpty)
        {
            var part = samples[..Math.Min(samples.Length, sampleRate - _count)];
            samples = samples[part.Length..];
            Add(part);
            if (_count >= sampleRate)
                Publish();
        }
    }

    private void Add(ReadOnlySpan<float> samples)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(samples);
        Vector<float> sum = default, power = default, peak = default;
        Vector<int> clipped = default;
        var limit = new Vector<float>(ClippedFrom);
        foreach (var x in vectors)
        {
            var magnitude = Vector.Abs(x);
            sum += x;
            power += x * x;
            peak = Vector.Max(peak, magnitude);
            clipped -= Vector.GreaterThanOrEqual(magnitude, limit);
        }

        double total = Vector.Sum(sum), squares = Vector.Sum(power);
        var most = 0f;
        for (var i = 0; i < Vector<float>.Count; i++)
            most = Math.Max(most, peak[i]);
        var count = Vector.Sum(clipped);
        foreach (var x in samples[(vectors.Length * Vector<float>.Count)..])
        {
            var magnitude = Math.Abs(x);
            total += x;
            squares += x * x;
            most = Math.Max(most, magnitude);
            count += magnitude >= ClippedFrom ? 1 : 0;
        }

        _count += samples.Length;
        _sum += total;
        _power += squares;
        _peak = Math.Max(_peak, most);
        _clipped += count;
        var lastSound = most == 0 ? -1 : samples.LastIndexOfAnyExcept(0f);
        Interlocked.Exchange(ref _zeros, lastSound < 0 ? _zeros + samples.Length : samples.Length - 1 - lastSound);
    }

    private void Publish()
    {
        _rmsDb = Decibels(Math.Sqrt(_power / _count));
        _peakDb = Decibels(_peak);
        _dcOffset = (float)(_sum / _count);
        Interlocked.Add(ref _clippedTotal, _clipped);
        _count = _clipped = 0;
        _sum = _power = _peak = 0;
    }

    /// <summary>A magnitude as a level; at least <see cref="FloorDb"/>.</summary>
    internal static float Decibels(double magnitude) => magnitude > 0 ? Math.Max(FloorDb, (float)(20 * Math.Log10(magnitude))) : FloorDb;
}
