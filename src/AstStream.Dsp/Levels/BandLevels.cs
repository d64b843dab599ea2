namespace AstStream.Dsp.Levels;

/// <summary>
/// The power in one-third-octave bands: the highest octave at the samples' own rate, each octave under it at half the rate of the one
/// before. What the lowest bands let through is about a second late.
/// </summary>
internal sealed class BandLevels
{
    [ThreadStatic]
    private static float[]? t_room; // to work in: what all meters share stays in the cache

    private readonly OctaveFilters[] _octaves; // from the highest
    private readonly HalfBand[] _halves; // before each octave but the highest
    private readonly int _most; // samples that come at once
    private readonly double[] _squares; // from the lowest band, those that fill the lowest octave included

    /// <summary>Makes it.</summary>
    /// <param name="sampleRate">Samples a second.</param>
    /// <param name="most">The most samples that come at once.</param>
    public BandLevels(int sampleRate, int most)
    {
        Count = ThirdOctaves.Count(sampleRate);
        _octaves = new OctaveFilters[(Count + ThirdOctaves.PerOctave - 1) / ThirdOctaves.PerOctave];
        _squares = new double[_octaves.Length * ThirdOctaves.PerOctave];
        var highest = 0.0; // edge of an octave, in cycles a sample
        for (var i = 0; i < _octaves.Length; i++)
        {
            var (last, rate) = (ThirdOctaves.Lowest + Count - 1 - (i * ThirdOctaves.PerOctave), sampleRate / Math.Pow(2, i));
            _octaves[i] = new OctaveFilters(last - ThirdOctaves.PerOctave + 1, rate);
            highest = Math.Max(highest, ThirdOctaves.Edges(last).High / rate);
        }

        _halves = new HalfBand[_octaves.Length - 1];
        for (var i = 0; i < _halves.Length; i++)
            _halves[i] = new HalfBand(highest / 2);
        _most = most;
    }

    /// <summary>How many bands there are, from <see cref="ThirdOctaves.Lowest"/> on.</summary>
    public int Count { get; }

    /// <summary>The sum of the squares in each band, as of samples at the full rate, since <see cref="Clear"/>.</summary>
    public ReadOnlySpan<double> Squares => _squares.AsSpan(_squares.Length - Count);

    /// <summary>Takes samples.</summary>
    public void Run(ReadOnlySpan<float> samples)
    {
        var half = (_most / 2) + 1;
        var need = (2 * half) + _halves[0].Room(_most);
        if (t_room is null || t_room.Length < need)
            t_room = new float[need];
        var room = t_room.AsSpan(0, need);
        for (var i = 0; ; i++)
        {
            _octaves[i].Run(
                samples, Math.Pow(2, i), _squares.AsSpan((_octaves.Length - 1 - i) * ThirdOctaves.PerOctave, ThirdOctaves.PerOctave));
            if (i == _halves.Length)
                return;
            var output = room.Slice(i % 2 * half, half); // beside what the octave before was given
            samples = output[.._halves[i].Run(samples, output, room[(2 * half)..])];
        }
    }

    /// <summary>Begins the sums anew.</summary>
    public void Clear() => Array.Clear(_squares);

    /// <summary>Forgets what came before.</summary>
    public void Reset()
    {
        Clear();
        foreach (var octave in _octaves)
            octave.Reset();
        foreach (var half in _halves)
            half.Reset();
    }
}
