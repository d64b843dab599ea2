using System.Numerics;
using System.Runtime.InteropServices;

namespace AstStream.Connectors.Capture;

/// <summary>
/// Remembers the last of a stream's sound, and recognises it when it comes again: a server that is connected to again begins with what it
/// has kept, and one whose encoder has died gives its last seconds for ever. The same sound is known by its shape (normalised
/// cross-correlation), as a decoder that begins elsewhere gives other samples at first. For one thread.
/// </summary>
internal sealed class HeardBefore
{
    private const int Remembered = 45; // seconds
    private const double Priming = 0.1; // seconds at the front that a decoder may give otherwise
    private const double Longest = 1; // seconds that are compared
    private const double Shortest = 0.4;
    private const int Needle = 1024; // samples that are looked for first
    private const double LooksAlike = 0.9;
    private const double IsSame = 0.97;

    private short[] _ring = [];
    private long _count; // samples that were heard
    private int _rate;

    /// <summary>Remembers what was passed on.</summary>
    public void Add(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (sampleRate != _rate)
            (_rate, _count, _ring) = (sampleRate, 0, new short[Remembered * sampleRate]);
        foreach (var sample in samples)
            _ring[_count++ % _ring.Length] = (short)(Math.Clamp(sample, -1, 1) * short.MaxValue);
    }

    /// <summary>
    /// How many samples, from the front of these on, were heard before: possibly more than there are here. 0 where they are new, null where
    /// there are too few to tell.
    /// </summary>
    public long? Repeated(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (sampleRate != _rate || _count == 0)
            return 0;
        var skip = (int)(Priming * sampleRate);
        var length = Math.Min(samples.Length - skip, (int)(Longest * sampleRate));
        if (length < Shortest * sampleRate || length < Needle)
            return null;
        var probe = samples.Slice(skip, length);
        var at = Loudest(probe);
        var needle = probe.Slice(at, Needle);
        var memory = Linear();
        var power = Dot(needle, needle);
        if (power == 0 || memory.Length < length)
            return 0; // digital silence is like all other

        // The latest place where it fits: of sound that repeats itself, the least is left out.
        var window = Dot(memory.AsSpan(memory.Length - Needle), memory.AsSpan(memory.Length - Needle));
        for (var place = memory.Length - Needle; place >= at; place--)
        {
            if (place < memory.Length - Needle)
                window += (memory[place] * (double)memory[place]) - (memory[place + Needle] * (double)memory[place + Needle]);
            if (window <= 0)
                continue;
            var likeness = Dot(needle, memory.AsSpan(place, Needle)) / Math.Sqrt(power * window);
            if (likeness > LooksAlike && place - at - skip >= 0 && Likeness(probe, memory.AsSpan(place - at)) > IsSame)
                return memory.Length - (place - at - skip);
        }

        return 0;
    }

    private float[] Linear()
    {
        var length = (int)Math.Min(_count, _ring.Length);
        var memory = new float[length];
        for (var i = 0; i < length; i++)
            memory[i] = _ring[(_count - length + i) % _ring.Length];
        return memory;
    }

    private static int Loudest(ReadOnlySpan<float> probe)
    {
        var (best, most) = (0, -1.0);
        for (var at = 0; at + Needle <= probe.Length; at += Needle / 2)
        {
            var power = Dot(probe.Slice(at, Needle), probe.Slice(at, Needle));
            if (power > most)
                (best, most) = (at, power);
        }

        return best;
    }

    private static double Likeness(ReadOnlySpan<float> probe, ReadOnlySpan<float> memory)
    {
        // What is after the end of what was heard can't be compared.
        var length = Math.Min(probe.Length, memory.Length);
        if (length < Needle)
            return 0;
        probe = probe[..length];
        memory = memory[..length];
        return Dot(probe, memory) / Math.Sqrt(Math.Max(double.Epsilon, Dot(probe, probe) * Dot(memory, memory)));
    }

    private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        ReadOnlySpan<Vector<float>> x = MemoryMarshal.Cast<float, Vector<float>>(a), y = MemoryMarshal.Cast<float, Vector<float>>(b);
        Vector<float> sum = default;
        for (var i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        double total = Vector.Sum(sum);
        for (var i = x.Length * Vector<float>.Count; i < a.Length; i++)
            total += a[i] * b[i];
        return total;
    }
}
