namespace AstStream.Dsp;

/// <summary>
/// Learns what a stream's background is, band by band, and finds the frames that rise above it. Log-mel frames are looked at in 16 bands
/// and at two lengths: single frames, for clicks, and blocks of 16 frames (160 ms), for faint sounds. A band's floor falls fast and rises
/// slowly; a new steady noise is part of the floor after about two minutes. Nothing is allocated after construction. For one thread at a
/// time.
/// </summary>
public sealed class NoiseFloor
{
    /// <summary>Frames that are heard before anything is called quiet: 10 s.</summary>
    public const int LearningFrames = 1000;

    private const int Bands = 16;
    private const int BlockFrames = 16;
    private const double ActivityRate = 1 / 400.0; // a frame

    private readonly int _binsPerBand;
    private readonly int _bands;
    private readonly float[] _block; // sums of a block that is not whole yet
    private readonly Level[] _frameLevels;
    private readonly Level[] _blockLevels;
    private int _inBlock;

    /// <summary>Makes a learner.</summary>
    /// <param name="numMelBins">Floats in one frame.</param>
    public NoiseFloor(int numMelBins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numMelBins, 1);
        _binsPerBand = (numMelBins + Bands - 1) / Bands;
        _bands = (numMelBins + _binsPerBand - 1) / _binsPerBand;
        _block = new float[_bands];
        _frameLevels = new Level[_bands];
        _blockLevels = new Level[_bands];
    }

    /// <summary>Frames that were heard since the start or the last <see cref="Skip"/>.</summary>
    public long Frames { get; private set; }

    /// <summary>The last frame that rose above the floor, counted from 0; -1 where none did.</summary>
    public long LastActive { get; private set; } = -1;

    /// <summary>
    /// The part of the last seconds that rose above the floor, 0 to 1, older ones fading within 4 s. A single false alarm hardly moves it.
    /// </summary>
    public double Activity { get; private set; }

    /// <summary>Whether enough was heard to call anything quiet.</summary>
    public bool IsLearnt => Heard >= LearningFrames;

    private long Heard { get; set; } // over all segments

    /// <summary>Hears a frame of raw log-mel.</summary>
    public void Accept(ReadOnlySpan<float> frame)
    {
        var (isActive, isBlockActive) = (false, false);
        for (var b = 0; b < _bands; b++)
        {
            var first = b * _binsPerBand;
            var band = frame.Slice(first, Math.Min(_binsPerBand, frame.Length - first));
            var energy = 0f;
            foreach (var bin in band)
                energy += bin;
            energy /= band.Length;
            _block[b] += energy;
            isActive |= _frameLevels[b].Accept(energy, s_frame, IsLearnt);
        }

        Frames++;
        Heard++;
        if (++_inBlock == BlockFrames)
        {
            for (var b = 0; b < _bands; b++)
            {
                isBlockActive |= _blockLevels[b].Accept(_block[b] / BlockFrames, s_block, IsLearnt);
                _block[b] = 0;
            }

            _inBlock = 0;
        }

        Activity *= 1 - ActivityRate;
        if (!isActive && !isBlockActive)
            return;
        LastActive = Frames - 1;
        Activity += ActivityRate * (isBlockActive ? BlockFrames : 1);
    }

    /// <summary>Whether all frames from a given one on stayed within the floor.</summary>
    public bool IsQuietSince(long frame) => IsLearnt && LastActive < frame;

    /// <summary>Time is missing: frames are counted from the start, what was learnt stays.</summary>
    /// <param name="firstFrame">The number of the frame that comes next, 0 by default.</param>
    public void Skip(long firstFrame = 0)
    {
        Frames = firstFrame;
        LastActive = -1;
        _inBlock = 0;
        _block.AsSpan().Clear();
    }

    private static readonly Rates s_frame = new(Down: 0.01f, Up: 0.004f, Drift: 0.0002f, Deviations: 7f, Least: 1.2f);
    private static readonly Rates s_block = new(Down: 0.1f, Up: 0.04f, Drift: 0.002f, Deviations: 6f, Least: 0.35f);

    /// <summary>
    /// How fast a level follows, by step; what rises by this many mean deviations, and by at least so many nepers, is active.
    /// </summary>
    private readonly record struct Rates(float Down, float Up, float Drift, float Deviations, float Least);

    /// <summary>One band's floor: a low mean of its log energies and their mean deviation from it.</summary>
    private struct Level
    {
        private float _mean;
        private float _deviation;
        private bool _isSet;

        public bool Accept(float energy, in Rates rates, bool isLearnt)
        {
            if (!float.IsFinite(energy))
                return true; // and nothing is learnt from it
            if (!_isSet)
            {
                (_mean, _deviation, _isSet) = (energy, 0, true);
                return true;
            }

            var distance = energy - _mean;
            var limit = Math.Max(rates.Least, rates.Deviations * _deviation);
            if (distance < 0)
            {
                _mean += rates.Down * distance;
                _deviation += rates.Up * (-distance - _deviation);
                return false;
            }

            if (distance < limit)
            {
                _mean += rates.Up * distance;
                _deviation += rates.Up * (distance - _deviation);
                return false;
            }

            // Above the floor. At first nothing is known and the floor must find its place; later it only drifts towards what lasts.
            if (isLearnt)
            {
                _mean += rates.Drift * Math.Min(distance, 2);
            }
            else
            {
                _mean += rates.Up * distance;
                _deviation += rates.Up * (distance - _deviation);
            }

            return true;
        }
    }
}
