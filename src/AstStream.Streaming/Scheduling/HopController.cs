using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Keeps the live streams' windows within what the sessions can do. When windows have come late for some time, hops are stretched so far
/// that the rest fits: first those of the least important streams, of these first those that are quiet, all streams of such a class by the
/// same factor and none beyond its greatest hop. When the load goes, hops go back. Hops change gradually: a step would leave a time without
/// windows after it and a crowd of them after that, for as long as the hop stays. Pure: the caller gives it the time. For one thread at a
/// time.
/// </summary>
internal sealed class HopController
{
    private const double Use = 0.95; // of what the sessions can do
    private const double DrainSeconds = 8; // in which a backlog is to be worked off
    private const double LeastBudget = 0.7; // of that, while a backlog is worked off: more would swing too far
    private const double LeastTrim = 0.01;
    private const double LeastSlope = 0.1; // seconds by which a hop may change in a second
    private const double MostRise = 2;
    private const double MostFall = 0.4;

    private static readonly TimeSpan s_lasting = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_calm = TimeSpan.FromSeconds(5);

    private readonly SortedDictionary<(int Priority, bool IsLoud), Class> _classes = [];
    private readonly List<Class> _byIndex = [];
    private TimeSpan? _lateSince;
    private TimeSpan? _easySince;
    private TimeSpan _last; // update
    private double _trim = 1; // of the capacity, where the estimate was too good

    /// <summary>Whether hops are stretched, or may be.</summary>
    public bool IsOverloaded { get; private set; }

    /// <summary>The mean of all live streams' stretch at the last update: 1 where nothing is stretched.</summary>
    public double MeanStretch { get; private set; } = 1;

    /// <summary>The greatest stretch of any live stream at the last update.</summary>
    public double MaxStretch { get; private set; } = 1;

    /// <summary>Sets the streams' hops.</summary>
    /// <param name="now">The time.</param>
    /// <param name="streams">All live streams.</param>
    /// <param name="capacity">Windows a second that the sessions can do; 0 where that is not known yet.</param>
    /// <param name="waiting">Windows of live streams that wait.</param>
    /// <param name="isLate">Whether the oldest of them has waited longer than batching alone explains.</param>
    /// <param name="done">Windows a second that were done while some were late; 0 where that is not known.</param>
    public void Update(
        TimeSpan now, IReadOnlyCollection<StreamTimeline> streams, double capacity, int waiting, bool isLate, double done = 0)
    {
        _lateSince = isLate ? _lateSince ?? now : null;
        var passed = Math.Clamp((now - _last).TotalSeconds, 0, 1);
        _last = now;
        if (!IsOverloaded)
        {
            if (_lateSince is not { } since || now - since < s_lasting || capacity <= 0)
                return;
            (IsOverloaded, _easySince) = (true, null);
        }

        // What was done with windows waiting is all that can be done: the processor may be short, and not the sessions.
        if (done > 0 && capacity > 0)
            _trim = Math.Min(_trim, done / capacity);
        _trim = Math.Clamp(_trim * Math.Exp(passed * (isLate ? -0.03 : 0.05)), LeastTrim, 1);
        var use = capacity * _trim * Use;
        var budget = Math.Max(use * LeastBudget, use - (waiting / DrainSeconds));
        Sort(streams);
        var excess = _classes.Values.Sum(c => c.Rate) - budget;
        foreach (var c in _classes.Values)
        {
            var less = Math.Clamp(excess, 0, c.Rate - c.LeastRate);
            excess -= less;
            c.MoveTo(c.Rate > 0 ? c.Rate / (c.Rate - less) : 1, passed);
        }

        Apply(streams);
        _easySince = MaxStretch <= 1 && !isLate ? _easySince ?? now : null;
        if (_easySince is { } easy && now - easy >= s_calm)
            (IsOverloaded, _trim, _lateSince) = (false, 1, null);
    }

    private void Sort(IReadOnlyCollection<StreamTimeline> streams)
    {
        foreach (var c in _classes.Values)
            (c.Streams, c.Rate, c.LeastRate) = (0, 0, 0);
        foreach (var stream in streams)
        {
            // Looked at once: a lane may find the stream quiet at any time.
            var key = (stream.Priority, !stream.IsQuiet);
            if (!_classes.TryGetValue(key, out var c))
            {
                c = _classes[key] = new Class { Index = _byIndex.Count };
                _byIndex.Add(c);
            }

            stream.HopClass = c.Index;
            c.Streams++;
            c.Rate += 100.0 / stream.Options.HopFrames;
            c.LeastRate += 100.0 / stream.Options.MaxHopFrames;
        }
    }

    private void Apply(IReadOnlyCollection<StreamTimeline> streams)
    {
        (MeanStretch, MaxStretch) = (0, 1);
        foreach (var stream in streams)
        {
            var options = stream.Options;
            stream.EffectiveHop = Math.Clamp(
                (int)Math.Ceiling((options.HopFrames * _byIndex[stream.HopClass].Stretch) - 1e-6), options.HopFrames, options.MaxHopFrames);
            var stretch = (double)stream.EffectiveHop / options.HopFrames;
            MeanStretch += stretch / streams.Count;
            MaxStretch = Math.Max(MaxStretch, stretch);
        }

        if (streams.Count == 0)
            MeanStretch = 1;
    }

    /// <summary>Streams of one priority that are quiet, or are not.</summary>
    private sealed class Class
    {
        public required int Index { get; init; }

        public int Streams { get; set; }

        public double Rate { get; set; } // windows a second at the configured hop

        public double LeastRate { get; set; } // at the greatest hop

        public double Stretch { get; private set; } = 1;

        /// <summary>
        /// Goes towards a stretch. A hop that grows by r seconds a second makes the windows 1 + r times rarer, evenly, from one hop later
        /// on: that is the slope to take, within bounds.
        /// </summary>
        public void MoveTo(double target, double seconds)
        {
            if (Streams == 0)
            {
                Stretch = target;
                return;
            }

            var ratio = target / Stretch;
            var slope = ratio > 1 ? Math.Clamp(ratio - 1, LeastSlope, MostRise) : -Math.Clamp(1 - ratio, LeastSlope, MostFall);
            var step = slope * seconds * Rate / Streams; // by the class's mean hop
            Stretch = ratio > 1 ? Math.Min(target, Stretch + step) : Math.Max(target, Stretch + step);
        }
    }
}
