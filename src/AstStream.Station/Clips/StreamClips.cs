using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Clips;

/// <summary>
/// The clips of one stream: its last sound is kept, and what belongs to an event is given to a file as soon as it is known that it may be:
/// from its onset, less the pre-roll, to its offset and the post-roll. Events that overlap share a clip. Safe for the lane and the decoders
/// at once.
/// </summary>
internal sealed class StreamClips(
    StreamIdentity stream, ClipOptions options, Func<Vocabulary, ModelClasses> classesOf, IReadOnlyList<string> models, SoundMemory memory,
    IClipFiles files)
{
    private const int AtOnce = 16_384; // samples that are given to a file
    private const int MostCurves = 8; // labels whose scores are kept of a clip

    private readonly Lock _lock = new();
    private readonly SoundRing _ring = new(memory);
    private readonly List<OpenClip> _clips = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal); // open events that have a clip, or can have none
    private readonly Dictionary<string, ModelHearing> _hearings = models.ToDictionary(
        m => m, m => new ModelHearing(options.PrivateThreshold), StringComparer.Ordinal);
    private int _rate;
    private bool _isOver;

    /// <summary>Samples of its sound that there was no memory for.</summary>
    public long Dropped
    {
        get
        {
            lock (_lock)
                return _ring.Dropped;
        }
    }

    /// <summary>Sound comes, or a mark.</summary>
    public void Hear(AudioBlock block)
    {
        lock (_lock)
        {
            if (_isOver || block.Kind != MessageKind.Data)
                return;
            if (_rate != block.SampleRate)
            {
                // Its samples are counted anew: what was heard before can't be joined.
                Finish(_clips);
                _ring.Begin(block.Start);
                _rate = block.SampleRate;
            }

            if (block.Start >= _ring.End)
                _ring.Add(block.Start, block.Samples);
        }
    }

    /// <summary>A model begins, or another one of that name goes on in its place.</summary>
    public void Begin(string model, Vocabulary vocabulary)
    {
        lock (_lock)
            _hearings[model].Classes = classesOf(vocabulary);
    }

    /// <summary>An event opens or closes.</summary>
    public void Take(SoundEvent e)
    {
        lock (_lock)
        {
            if (_isOver || _rate == 0)
                return;
            var (onset, offset) = ((long)Math.Floor(e.Onset * _rate), (long)Math.Ceiling(e.Offset * _rate));
            if (e.State == EventState.Closed && _known.Remove(e.Id))
            {
                _clips.ForEach(c => c.End(e.Id, offset));
                return;
            }

            if (e.State == EventState.Opened && !_known.Add(e.Id))
                return;
            var classes = _hearings[e.Model].Classes;
            if (classes.Private.Contains(e.Label) || classes.Clipped?.Contains(e.Label) == false)
                return;
            var start = Math.Max(Math.Max(0, _ring.Start), onset - Own(options.Pre));
            if (start > onset)
            {
                files.Skip(ClipSkip.SoundGone);
                return;
            }

            var clip = _clips.Find(c => c.Start <= onset && onset < c.Start + Own(options.Max) && (c.HasOpen || start <= End(c)));
            if (clip is null)
            {
                clip = new OpenClip(e.Id, stream, start, _rate);
                if (!files.TryBegin(clip))
                    return;
                _clips.Add(clip);
            }

            clip.Begin(e);
            if (e.State == EventState.Closed)
                clip.End(e.Id, offset);
        }
    }

    /// <summary>A model has decided more of the stream.</summary>
    public void Take(in DecidedPiece piece)
    {
        lock (_lock)
        {
            if (_isOver)
                return;
            if (_hearings[piece.Model].Take(piece) is { } hidden)
                Spoil(OwnOf(hidden.Start), OwnOf(hidden.End));
            var settled = _hearings.Values.Min(h => h.Settled);
            Advance(settled == long.MaxValue ? _ring.End : Math.Min(_ring.End, OwnOf(settled)));
            if (_hearings.Values.All(h => h.IsOver))
                Close();
        }
    }

    /// <summary>Nothing more comes.</summary>
    public void End()
    {
        lock (_lock)
            Close();
    }

    /// <summary>
    /// Some sound is private. Where a clip has it already, against what <see cref="ModelHearing.Settled"/> promises, the clip is given up.
    /// </summary>
    private void Spoil(long start, long end)
    {
        foreach (var clip in _clips.Where(c => c.Start < end && start < c.Written))
            clip.IsSpoiled = true;
    }

    private long Own(TimeSpan time) => (long)(time.TotalSeconds * _rate);

    private long OwnOf(long modelSample) => (long)((Int128)modelSample * _rate / ModelTime.SampleRate);

    private long ModelOf(long ownSample) => (long)((Int128)ownSample * ModelTime.SampleRate / _rate);

    /// <summary>Where a clip without open events ends.</summary>
    private long End(OpenClip clip) => clip.LastOffset + Own(options.Post);

    /// <summary>Gives files what may be kept up to a sample.</summary>
    private void Advance(long until)
    {
        var done = new List<OpenClip>();
        foreach (var clip in _clips)
        {
            var most = clip.Start + Own(options.Max);
            var end = clip.HasOpen ? most : Math.Min(End(clip), most);
            Write(clip, Math.Min(until, end));
            if (clip.Written >= end)
                done.Add(clip);
        }

        Finish(done);
        var kept = Math.Min(until - Own(options.Pre + options.Reach), _clips.Select(c => c.Written).DefaultIfEmpty(long.MaxValue).Min());
        _ring.Trim(kept);
        if (_rate == 0)
            return;
        var scored = Math.Min(kept, _clips.Select(c => c.Start).DefaultIfEmpty(long.MaxValue).Min());
        foreach (var hearing in _hearings.Values)
        {
            hearing.Trim(ModelOf(kept));
            hearing.Scores.Trim(ModelOf(scored));
        }
    }

    private void Write(OpenClip clip, long until)
    {
        while (clip.Written < until)
        {
            var samples = new short[Math.Min(AtOnce, until - clip.Written)];
            clip.Found += _ring.Read(clip.Written, samples);
            clip.Muted += Mute(clip.Written, samples);
            files.Append(clip, samples);
            clip.Written += samples.Length;
        }
    }

    /// <summary>Silences what may not be kept; returns how many samples that are.</summary>
    private long Mute(long start, Span<short> samples)
    {
        var hidden = new IntervalSet();
        var (from, to) = (ModelOf(start), ModelOf(start + samples.Length) + 1);
        foreach (var (first, last) in _hearings.Values.SelectMany(h => h.Hidden(from, to)))
            hidden.Add(OwnOf(first), OwnOf(last) + (_rate / ModelTime.SampleRate) + 1); // a sample of a model is some of the stream's
        long muted = 0;
        foreach (var (first, last) in hidden.Parts(start, start + samples.Length, inside: true))
        {
            samples[(int)(first - start)..(int)(last - start)].Clear();
            muted += last - first;
        }

        return muted;
    }

    private void Finish(IEnumerable<OpenClip> clips)
    {
        foreach (var clip in clips.ToList())
        {
            clip.Scores = CurvesOf(clip);
            files.Finish(clip);
            _clips.Remove(clip);
        }
    }

    /// <summary>How the models scored a clip's time: labels of its events first, then the likeliest.</summary>
    private List<ScoreCurve> CurvesOf(OpenClip clip)
    {
        var curves = new List<ScoreCurve>();
        foreach (var (model, hearing) in _hearings)
        {
            var (middles, scores) = hearing.Scores.Within(ModelOf(clip.Start), ModelOf(clip.Written));
            double[] times = [.. middles.Select(m => (double)m / ModelTime.SampleRate)];
            curves.AddRange(scores.Select(s => new ScoreCurve(model, hearing.Classes.Labels[s.Key], times, s.Value)));
        }

        return [.. curves.OrderByDescending(c => clip.Labels.Contains(c.Label)).ThenByDescending(c => c.Scores.Max()).Take(MostCurves)];
    }

    private void Close()
    {
        Finish(_clips);
        _ring.Clear();
        _isOver = true;
    }
}
