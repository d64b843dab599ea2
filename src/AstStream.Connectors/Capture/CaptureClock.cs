namespace AstStream.Connectors.Capture;

/// <summary>
/// Holds a live stream's samples against the clock: how far they lag, where sound belongs that comes after a break, and how fast
/// the device's own clock runs. Samples arrive late by ever other amounts, but never early: the least lag of a while is the one to believe.
/// Seconds throughout; the place in the stream is counted by samples. For one thread.
/// </summary>
internal sealed class CaptureClock
{
    /// <summary>Arrivals are summed up by their least lag in intervals of so many seconds.</summary>
    public const double Interval = 10;

    private const int Remembered = 60; // intervals that the drift is taken from
    private const int New = 3; // intervals that a creeping lag is seen in
    private const int Recent = 6; // intervals that the lag is taken from
    private const int Known = 6; // intervals from which on the drift is reported

    private readonly Queue<(double Time, double Lag)> _intervals = new(); // since the last break
    private (double Time, double Lag) _current = (0, double.PositiveInfinity);
    private double _currentEnd;
    private double _origin;
    private double _lag;

    /// <summary>The least lag of the last minute, against that at the stream's start: real time is ahead of the samples by this.</summary>
    public double Lag => Math.Min(_lag, _current.Lag);

    /// <summary>
    /// How much faster than this machine's clock the device's runs, in parts per million; null until a minute without a break has been
    /// heard.
    /// </summary>
    public double? DriftPpm { get; private set; }

    /// <summary>The stream begins: its first <paramref name="seconds"/> have been heard by now.</summary>
    public void Begin(double now, double seconds)
    {
        _origin = now - seconds;
        _lag = 0;
        Break(now);
    }

    /// <summary>Where the stream stands by now, if nothing is heard in between.</summary>
    public double PlaceAt(double now) => now - _origin - Lag;

    /// <summary>What follows does not join what came before: the drift is measured from the start. The lag stays.</summary>
    public void Break(double now)
    {
        _lag = Lag;
        _intervals.Clear();
        _current = (now, double.PositiveInfinity);
        _currentEnd = now + Interval;
    }

    /// <summary>Sound up to a place in the stream has been heard by now. Returns whether an interval was closed by it.</summary>
    public bool Heard(double now, double place)
    {
        var lag = now - _origin - place;
        if (lag < _current.Lag)
            _current = (now, lag);
        if (now < _currentEnd)
            return false;
        _intervals.Enqueue(_current);
        if (_intervals.Count > Remembered)
            _intervals.Dequeue();
        _lag = _intervals.TakeLast(Recent).Min(i => i.Lag);
        _current = (now, double.PositiveInfinity);
        _currentEnd = now + Interval;
        if (_intervals.Count >= Known)
            DriftPpm = -Slope() * 1e6;
        return true;
    }

    /// <summary>
    /// How far the least lag of the last half minute is over that of the minute before: time that passed without sound, though none of the
    /// waits was long. (Half a minute, as some streams come in bursts of ten seconds.)
    /// </summary>
    public double Creep =>
        _intervals.Count <= New ? 0 : _intervals.TakeLast(New).Min(i => i.Lag) - _intervals.SkipLast(New).TakeLast(Recent).Min(i => i.Lag);

    /// <summary>Of a straight line through the lags, by least squares.</summary>
    private double Slope()
    {
        double t = _intervals.Average(i => i.Time), l = _intervals.Average(i => i.Lag);
        return _intervals.Sum(i => (i.Time - t) * (i.Lag - l)) / _intervals.Sum(i => (i.Time - t) * (i.Time - t));
    }
}
