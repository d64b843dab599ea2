namespace AstStream.Streaming.Scheduling;

/// <summary>
/// What a session can do at its largest batch, learnt from the batches that it runs: a run takes a + b·n seconds, fitted by least squares
/// in which older runs fade. Batches are small while there is little to do, so their own rate says little. For one thread at a time.
/// </summary>
internal sealed class ThroughputEstimate
{
    private const double Fade = 0.97; // of each run by the next one
    private double _weight, _n, _nn, _t, _nt;

    /// <summary>Takes a run.</summary>
    public void Add(int windows, double seconds)
    {
        _weight = (_weight * Fade) + 1;
        _n = (_n * Fade) + windows;
        _nn = (_nn * Fade) + ((double)windows * windows);
        _t = (_t * Fade) + seconds;
        _nt = (_nt * Fade) + (windows * seconds);
    }

    /// <summary>Seconds of a run of a number of windows; 0 before the first run.</summary>
    public double Seconds(int windows)
    {
        if (_weight == 0)
            return 0;
        var (mean, time) = (_n / _weight, _t / _weight);
        var variance = (_nn / _weight) - (mean * mean);

        // Where all batches are alike, nothing tells a from b: time is taken to grow with the windows, which is never too good.
        var slope = variance > 0.25 ? ((_nt / _weight) - (mean * time)) / variance : time / mean;
        slope = Math.Clamp(slope, 0, time / mean);
        return time + (slope * (windows - mean));
    }

    /// <summary>Windows a second in batches of a number of windows; 0 before the first run.</summary>
    public double Rate(int windows) => Seconds(windows) is > 0 and var seconds ? windows / seconds : 0;
}
