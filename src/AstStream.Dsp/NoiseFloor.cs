using System.Runtime.InteropServices;

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

    /// <summary>Frames in a column: 160 ms, the time of a patch of 16 frames.</summary>
    public const int ColumnFrames = 16;

    /// <summary>Frames that are heard before the first columns are known: 1.92 s.</summary>
    public const int FirstFrames = FirstColumns * ColumnFrames;

    private const int Bands = 16;
    private const int FirstColumns = 12; // that wait for the first floor
    private const float DecibelsPerNeper = 4.342945f; // of a power
    private const double ActivityRate = 1 / 400.0; // a frame

    private readonly int _binsPerBand;
    private readonly int _bands;
    private readonly float[] _sums; // of a column that is not whole yet, by band
    private readonly Level[] _frameLevels;
    private readonly Level[] _columnLevels;
    private readonly float[] _waiting; // the first columns' energies by band, until the floor begins
    private readonly float[] _rises; // of the bands of one column
    private readonly float[] _columns = new float[FirstColumns]; // a ring of levels that nobody has read
    private int _inColumn;
    private int _numWaiting;
    private int _firstUnread;
    private int _unread;
    private bool _hasBegun;

    /// <summary>Makes a learner.</summary>
    /// <param name="numMelBins">Floats in one frame.</param>
    public NoiseFloor(int numMelBins)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numMelBins, 1);
        _binsPerBand = (numMelBins + Bands - 1) / Bands;
        _bands = (numMelBins + _binsPerBand - 1) / _binsPerBand;
        _sums = new float[_bands];
        _frameLevels = new Level[_bands];
        _columnLevels = new Level[_bands];
        _waiting = new float[FirstColumns * _bands];
        _rises = new float[_bands];
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
        var (isActive, isColumnActive) = (false, false);
        for (var b = 0; b < _bands; b++)
        {
            var first = b * _binsPerBand;
            var band = frame.Slice(first, Math.Min(_binsPerBand, frame.Length - first));
            var energy = 0f;
            foreach (var bin in band)
                energy += bin;
            energy /= band.Length;
            _sums[b] += energy;
            isActive |= _frameLevels[b].Accept(energy, s_frame, IsLearnt);
        }

        Frames++;
        Heard++;
        if (++_inColumn == ColumnFrames)
        {
            foreach (ref var sum in _sums.AsSpan())
                sum /= ColumnFrames;
            isColumnActive = AcceptColumn();
            _sums.AsSpan().Clear();
            _inColumn = 0;
        }

        Activity *= 1 - ActivityRate;
        if (!isActive && !isColumnActive)
            return;
        LastActive = Frames - 1;
        Activity += ActivityRate * (isColumnActive ? ColumnFrames : 1);
    }

    /// <summary>
    /// Reads the level of the next column: the mean rise of the highest quarter of its bands above the floor, in dB; 0 or less where
    /// nothing rises. To be asked after every frame. The first columns of a stream come together, 1.92 s later.
    /// </summary>
    /// <returns>Whether there is one.</returns>
    public bool TryReadColumn(out float level)
    {
        level = _unread > 0 ? _columns[_firstUnread] : 0;
        if (_unread == 0)
            return false;
        _firstUnread = (_firstUnread + 1) % FirstColumns;
        _unread--;
        return true;
    }

    /// <summary>Nothing follows for now: columns that wait for the first floor are decided by what was heard so far.</summary>
    public void Flush()
    {
        if (!_hasBegun && _numWaiting > 0)
            Begin();
    }

    /// <summary>Whether all frames from a given one on stayed within the floor.</summary>
    public bool IsQuietSince(long frame) => IsLearnt && LastActive < frame;

    /// <summary>Time is missing: frames are counted from the start, what was learnt stays.</summary>
    /// <param name="firstFrame">The number of the frame that comes next, 0 by default.</param>
    public void Skip(long firstFrame = 0)
    {
        Frames = firstFrame;
        LastActive = -1;
        _inColumn = _numWaiting = _unread = 0;
        _sums.AsSpan().Clear();
    }

    /// <summary>Writes what it remembers, so that another one can go on from here.</summary>
    public void Save(BinaryWriter state)
    {
        state.Write(_bands);
        state.Write(Frames);
        state.Write(LastActive);
        state.Write(Activity);
        state.Write(Heard);
        state.Write(_hasBegun);
        state.Write((byte)_inColumn);
        state.Write((byte)_numWaiting);
        state.Write((byte)_unread);
        for (var i = 0; i < _unread; i++)
            state.Write(_columns[(_firstUnread + i) % FirstColumns]);
        state.Write(MemoryMarshal.AsBytes(_sums.AsSpan()));
        state.Write(MemoryMarshal.AsBytes(_waiting.AsSpan(0, _numWaiting * _bands)));
        state.Write(MemoryMarshal.AsBytes(_frameLevels.AsSpan()));
        state.Write(MemoryMarshal.AsBytes(_columnLevels.AsSpan()));
    }

    /// <summary>Takes over what another one remembered.</summary>
    /// <exception cref="InvalidDataException">That is no state of a floor of so many bands.</exception>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    public void Restore(BinaryReader state)
    {
        if (state.ReadInt32() != _bands)
            throw new InvalidDataException("the state is of another number of bands");
        Frames = state.ReadInt64();
        LastActive = state.ReadInt64();
        Activity = state.ReadDouble();
        Heard = state.ReadInt64();
        _hasBegun = state.ReadBoolean();
        (_inColumn, _numWaiting) = (state.ReadByte(), state.ReadByte());
        (_firstUnread, _unread) = (0, state.ReadByte());
        if (_inColumn >= ColumnFrames || _numWaiting >= FirstColumns || _unread > FirstColumns)
            throw new InvalidDataException(
                $"the state has {_inColumn} frames of a column, {_numWaiting} columns that wait and {_unread} that nobody has read");
        for (var i = 0; i < _unread; i++)
            _columns[i] = state.ReadSingle();
        state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_sums.AsSpan()));
        state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_waiting.AsSpan(0, _numWaiting * _bands)));
        state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_frameLevels.AsSpan()));
        state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(_columnLevels.AsSpan()));
    }

    /// <summary>Takes the column in <see cref="_sums"/>; whether it rises above the floor.</summary>
    private bool AcceptColumn()
    {
        if (_hasBegun)
            return AddColumn(_sums);
        _sums.CopyTo(_waiting, _numWaiting * _bands);
        if (++_numWaiting == FirstColumns)
            Begin();
        return true; // nothing is known yet
    }

    /// <summary>The floor begins with the least level of each band, and the columns that have waited are heard.</summary>
    private void Begin()
    {
        _hasBegun = true;
        for (var b = 0; b < _bands; b++)
        {
            var least = float.PositiveInfinity;
            for (var i = 0; i < _numWaiting; i++)
                least = Math.Min(least, _waiting[(i * _bands) + b]);
            _columnLevels[b].Begin(least);
        }

        for (var i = 0; i < _numWaiting; i++)
            AddColumn(_waiting.AsSpan(i * _bands, _bands));
        _numWaiting = 0;
    }

    private bool AddColumn(ReadOnlySpan<float> energies)
    {
        var isActive = false;
        for (var b = 0; b < _bands; b++)
        {
            _rises[b] = energies[b] - _columnLevels[b].Mean;
            isActive |= _columnLevels[b].Accept(energies[b], s_column, IsLearnt);
        }

        _rises.AsSpan().Sort();
        var highest = _rises.AsSpan(_bands - Math.Max(1, _bands / 4));
        var sum = 0f;
        foreach (var rise in highest)
            sum += float.IsFinite(rise) ? rise : 0;
        if (_unread < FirstColumns)
            _columns[(_firstUnread + _unread++) % FirstColumns] = DecibelsPerNeper * sum / highest.Length;
        return isActive;
    }

    private static readonly Rates s_frame = new(Down: 0.01f, Up: 0.004f, Drift: 0.0002f, Deviations: 7f, Least: 1.2f);
    private static readonly Rates s_column = new(Down: 0.1f, Up: 0.04f, Drift: 0.002f, Deviations: 6f, Least: 0.35f);

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

        public readonly float Mean => _mean;

        public void Begin(float energy) => (_mean, _deviation, _isSet) = (energy, 0, float.IsFinite(energy));

        /// <summary>Takes an energy.</summary>
        public bool Accept(float energy, in Rates rates, bool isLearnt)
        {
            if (!float.IsFinite(energy))
                return true; // and nothing is learnt from it
            if (!_isSet)
            {
                Begin(energy);
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
