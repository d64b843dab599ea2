namespace AstStream.Dsp.Levels;

/// <summary>
/// A sound level meter (IEC 61672-1) with one-third-octave bands (IEC 61260-1), at the sound's own sample rate. It works in pieces of
/// 100 ms, and says of each what it measured. Powers are of samples of which 1 is full scale. For one thread; nothing is allocated after it
/// is made.
/// </summary>
public sealed class SoundLevelMeter
{
    /// <summary>Pieces in a second.</summary>
    public const int PiecesPerSecond = 10;

    private readonly float[] _piece;
    private readonly FrequencyWeighting _weighting;
    private readonly BandLevels? _bands;
    private int _count;
    private float? _offset; // the first sample: what stood before it, so that a constant is no sound from the first sample on
    private double _squares;

    /// <summary>Makes a meter.</summary>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <param name="hasBands">Whether bands are measured too.</param>
    public SoundLevelMeter(int sampleRate, bool hasBands)
    {
        SampleRate = sampleRate;
        _piece = new float[sampleRate / PiecesPerSecond];
        _weighting = new FrequencyWeighting(sampleRate);
        _bands = hasBands ? new BandLevels(sampleRate, _piece.Length) : null;
    }

    /// <summary>Samples a second.</summary>
    public int SampleRate { get; }

    /// <summary>Samples of a piece.</summary>
    public int PieceLength => _piece.Length;

    /// <summary>The mean square of the A-weighted last piece.</summary>
    public double Power => _squares / _piece.Length;

    /// <summary>The largest C-weighted magnitude of the last piece.</summary>
    public double Peak { get; private set; }

    /// <summary>The A-weighted power with time weighting F, at the end of the last piece.</summary>
    public double FastPower => _weighting.FastPower;

    /// <summary>The mean square of the last piece in each band, times <see cref="PieceLength"/>; empty without bands.</summary>
    public ReadOnlySpan<double> BandSquares => _bands is null ? [] : _bands.Squares;

    /// <summary>Takes samples up to the end of a piece; true where one is complete, and then more may be left.</summary>
    public bool Accept(ref ReadOnlySpan<float> samples)
    {
        var part = samples[..Math.Min(samples.Length, _piece.Length - _count)];
        samples = samples[part.Length..];
        part.CopyTo(_piece.AsSpan(_count));
        _count += part.Length;
        if (_count < _piece.Length)
            return false;
        _count = 0;
        foreach (ref var sample in _piece.AsSpan())
        {
            if (!float.IsFinite(sample))
                sample = 0;
        }

        (_squares, Peak) = _weighting.Run(_piece, _offset ??= _piece[0]);
        _bands?.Clear();
        _bands?.Run(_piece);
        return true;
    }

    /// <summary>The sound goes on somewhere else: what came before is forgotten, a piece that was begun included.</summary>
    public void Reset()
    {
        _count = 0;
        _offset = null;
        _weighting.Reset();
        _bands?.Reset();
    }
}
