using AstStream.Events.Decoding;

namespace AstStream.Events.Unusual;

/// <summary>
/// Finds where a stream sounds other than it usually does at that hour, as often as somebody wants to hear of it. Windows are scored by
/// what was heard some time before, an hour at most, so what is scored has not been learnt yet. For one thread at a time.
/// </summary>
/// <param name="dimensions">Values of an embedding.</param>
/// <param name="options">When a stream sounds unusual.</param>
/// <param name="phase">Seconds after the full hour at which it learns, so that not all streams do at once; 0 to 3599.</param>
public sealed class UnusualDecoder(int dimensions, UnusualOptions options, int phase = 0)
{
    /// <summary>The label of its events.</summary>
    public const string Label = "Unusual";

    /// <summary>What stands for that label's class in its events.</summary>
    public const int Class = -1;

    private const int Version = 1;
    private const int LeastKnown = 40; // embeddings before the first distance
    private const double HalfLife = 30; // days after which what was heard counts for half
    private const double MostFaded = 14; // days at once: a clock may be set by years, and a recorder be off for long

    private static readonly TimeSpan s_betweenLearnt = TimeSpan.FromSeconds(30); // windows of one scene say little new

    private readonly SoundHabit _habit = new(dimensions);
    private readonly AlarmRate _rate = new();
    private readonly Alarm _alarm = new();
    private readonly float[] _direction = new float[dimensions];
    private readonly List<(int Hour, float[] Direction)> _waiting = []; // to be learnt
    private readonly float[] _last = new float[3]; // distances of the latest windows
    private int _windows; // of them
    private long? _fitAt; // seconds since 1970
    private long? _tookAt; // the same; of what waits to be learnt
    private long _heard; // samples
    private float _threshold = float.PositiveInfinity;
    private float _score = float.NaN; // of the latest windows

    /// <summary>When a stream sounds unusual; another one holds when it learns again.</summary>
    public UnusualOptions Options { get; set; } = options;

    /// <summary>How much sound it has heard, to be held against <see cref="UnusualOptions.Learn"/>.</summary>
    public TimeSpan Heard => TimeSpan.FromSeconds((double)_heard / ModelTime.SampleRate);

    /// <summary>How unusual the latest windows were.</summary>
    public UnusualReading Now => new(_score, Math.Min(1, Heard / Options.Learn));

    /// <summary>Whether it has something that was not saved.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>Whether it learnt with the last window.</summary>
    public bool HasLearnt { get; private set; }

    /// <summary>Takes a window.</summary>
    /// <param name="start">The first sample of what it stands for.</param>
    /// <param name="end">The sample after the last one.</param>
    /// <param name="time">When that was, as clocks on the wall showed it.</param>
    /// <param name="embedding">What it was to the model.</param>
    /// <param name="detected">Gets events that open or close.</param>
    public void Push(long start, long end, DateTimeOffset time, ReadOnlySpan<float> embedding, Action<DetectedEvent> detected)
    {
        if (!TakeDirection(embedding))
            return;
        var seconds = time.ToUnixTimeSeconds();
        HasLearnt = IsDue(seconds);
        if (HasLearnt)
            Learn(seconds);
        _heard += Math.Max(0, end - start);
        if (_tookAt is not { } took || Math.Abs(seconds - took) >= s_betweenLearnt.TotalSeconds)
        {
            _waiting.Add((time.Hour, [.. _direction]));
            (_tookAt, IsChanged) = (seconds, true);
        }

        if (_habit.Count < LeastKnown || Heard < Options.Learn / 3)
            return;
        _last[_windows++ % _last.Length] = _habit.Distance(time.Hour, _direction);
        if (_windows < _last.Length)
            return;
        var distance = Median(_last);
        var piece = seconds / (long)AlarmRate.Piece.TotalSeconds;
        _rate.Add(piece, distance);
        _score = float.IsFinite(_threshold) ? distance / (distance + _threshold) : float.NaN;
        _alarm.Push(start, end, piece, distance >= _threshold, _score, detected);
    }

    /// <summary>The stream goes on elsewhere, or not at all: what is open closes.</summary>
    public void Flush(Action<DetectedEvent> detected)
    {
        _alarm.Flush(detected);
        _windows = 0;
    }

    /// <summary>Whether what it knows is worth keeping.</summary>
    public bool IsWorthKeeping => _habit.Count + _waiting.Count >= LeastKnown;

    /// <summary>Writes what it knows of the stream.</summary>
    public void Save(BinaryWriter output)
    {
        output.Write(Version);
        output.Write(dimensions);
        output.Write(_fitAt ?? long.MinValue);
        output.Write(_heard);
        _habit.Save(output);
        _rate.Save(output);
        output.Write(_waiting.Count);
        foreach (var (hour, direction) in _waiting)
        {
            output.Write(hour);
            foreach (var value in direction)
                output.Write(value);
        }

        IsChanged = false;
    }

    /// <summary>Reads what another one wrote.</summary>
    /// <exception cref="InvalidDataException">There is something else.</exception>
    /// <exception cref="EndOfStreamException">There is not enough.</exception>
    public void Restore(BinaryReader input)
    {
        if (input.ReadInt32() is var version and not Version)
            throw new InvalidDataException($"found version {version}; expected {Version}");
        if (input.ReadInt32() is var found && found != dimensions)
            throw new InvalidDataException($"found embeddings of {found} values; expected {dimensions}");
        _fitAt = input.ReadInt64() is var at && at == long.MinValue ? null : at;
        _heard = input.ReadInt64();
        if (_heard is < 0 or > 1L << 50)
            throw new InvalidDataException($"found {_heard} samples that were heard; expected 0 and more");
        _habit.Restore(input);
        _rate.Restore(input);
        for (var left = input.ReadInt32(); left > 0; left--)
        {
            var hour = input.ReadInt32();
            var direction = new float[dimensions];
            for (var i = 0; i < dimensions; i++)
                direction[i] = input.ReadSingle();
            if (hour is < 0 or > 23 || direction.Any(v => !(Math.Abs(v) <= 1)))
                throw new InvalidDataException("found an embedding that no run writes; expected one of length 1");
            _waiting.Add((hour, direction));
        }

        Fit();
    }

    private static float Median(ReadOnlySpan<float> three) =>
        Math.Max(Math.Min(three[0], three[1]), Math.Min(Math.Max(three[0], three[1]), three[2]));

    private bool TakeDirection(ReadOnlySpan<float> embedding)
    {
        var length = Vectors.Length(embedding);
        if (embedding.Length != dimensions || !(length > 0) || !double.IsFinite(length))
            return false;
        for (var i = 0; i < embedding.Length; i++)
            _direction[i] = (float)(embedding[i] / length);
        return true;
    }

    /// <summary>Whether it is time to learn: every hour, and more often where there is little to hear before the first event.</summary>
    private bool IsDue(long seconds)
    {
        var step = (long)Math.Clamp(Options.Learn.TotalSeconds / 12, 300, 3600);
        return _fitAt is not { } fit || Math.DivRem(seconds - phase, step).Quotient != Math.DivRem(fit - phase, step).Quotient;
    }

    /// <summary>What was heard is learnt, and what was heard long ago fades.</summary>
    private void Learn(long seconds)
    {
        if (_fitAt is { } before)
            _habit.Fade(Math.Pow(0.5, Math.Clamp((seconds - before) / 86_400.0, 0, MostFaded) / HalfLife));
        _fitAt = seconds;
        foreach (var (of, direction) in _waiting)
            _habit.Add(of, direction);
        _waiting.Clear();
        Fit();
    }

    private void Fit()
    {
        if (_habit.Count < LeastKnown)
            return;
        _habit.Fit();

        // Much was new in the first days that is known now: what they were like says nothing about the days to come.
        var enough = Options.Learn * 0.6 < AlarmRate.Longest * 0.9 ? Options.Learn * 0.6 : AlarmRate.Longest * 0.9;
        var lately = Heard / 3 > enough ? Heard / 3 : enough;
        _threshold = Heard >= Options.Learn && _rate.Known >= enough ? _rate.Threshold(Options.ADay, lately) : float.PositiveInfinity;
    }
}
