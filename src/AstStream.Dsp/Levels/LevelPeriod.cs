namespace AstStream.Dsp.Levels;

/// <summary>Sums up the pieces of a while. For one thread.</summary>
public sealed class LevelPeriod
{
    private readonly List<float> _fast = []; // power at the end of each piece
    private double[] _bands = [];
    private double _power;
    private double _peak;
    private double _seconds;

    /// <summary>Takes the last piece of a meter; all pieces of a while have the same bands.</summary>
    public void Add(SoundLevelMeter meter)
    {
        var seconds = (double)meter.PieceLength / meter.SampleRate;
        _seconds += seconds;
        _power += seconds * meter.Power;
        _peak = Math.Max(_peak, meter.Peak);
        _fast.Add((float)meter.FastPower);
        var squares = meter.BandSquares;
        if (_bands.Length != squares.Length)
            _bands = new double[squares.Length];
        for (var i = 0; i < squares.Length; i++)
            _bands[i] += squares[i] / meter.SampleRate;
    }

    /// <summary>What was heard since the last time, and begins anew; null where nothing was.</summary>
    public LevelSummary? Take()
    {
        if (_fast.Count == 0)
            return null;
        _fast.Sort();
        var summary = new LevelSummary(
            _seconds, LevelSummary.Decibels(_power / _seconds), LevelSummary.Decibels(_peak * _peak), Exceeded(0.1), Exceeded(0.9),
            [.. _bands.Select(b => (float)LevelSummary.Decibels(b / _seconds))]);
        _fast.Clear();
        Array.Clear(_bands);
        _power = _peak = _seconds = 0;
        return summary;
    }

    /// <summary>The level that was exceeded for a share of the time.</summary>
    private double Exceeded(double share) => LevelSummary.Decibels(_fast[(int)Math.Round((1 - share) * (_fast.Count - 1))]);
}
