using AstStream.Learning.Statistics;

namespace AstStream.Learning.Evaluation;

/// <summary>How a pipeline's events compare with what is there.</summary>
public sealed class EventReport
{
    private EventReport(
        Truth truth, IReadOnlyList<TimedLabel> reported, double hours, IReadOnlyList<double> collars, double lengthShare,
        IReadOnlyList<(double Threshold, IReadOnlyList<TimedLabel> Events)> points)
    {
        Hours = hours;
        Collars = [.. collars.Select(c => (
            EventBased.Compare(truth.Events, reported, c, lengthShare),
            EventBased.Compare(truth.Events, reported, c, lengthShare, checksOffset: false)))];
        Segments = SegmentBased.Compare(truth.Events, reported);

        // Whether it was heard at all, and when: pairs that overlap, as many as there can be.
        var overlapping = Overlapping(truth.Events, reported);
        Heard = overlapping.Count / (double)truth.Events.Count;
        OnsetErrors = [.. overlapping.Select(p => p.Reported.Onset - p.Reference.Onset).Order()];
        OpenedAfter = [.. overlapping.Select(p => p.Reported.Opened - p.Reference.Onset).OfType<double>().Order()];
        OffsetErrors = [.. overlapping.Select(p => p.Reported.Offset - p.Reference.Offset).Order()];
        FalseEventsPerHour = CountFalse(truth.Events, reported) / hours;
        var middle = collars[collars.Count / 2];
        Points = [.. points.Select(p => new OperatingPoint(
            p.Threshold, Overlapping(truth.Events, p.Events).Count / (double)truth.Events.Count,
            CountFalse(truth.Events, p.Events) / hours,
            EventBased.Compare(truth.Events, p.Events, middle, lengthShare).Overall.F1))];
        if (points.Count == 0 || truth.Events.Count == 0)
            return;
        List<IReadOnlyList<TimedLabel>> events = [.. points.Select(p => p.Events)];
        Psds1 = Psds.Make(truth.Events, events, hours, PsdsOptions.Scenario1);
        Psds2 = Psds.Make(truth.Events, events, hours, PsdsOptions.Scenario2);
    }

    /// <summary>Hours of sound that were compared.</summary>
    public double Hours { get; }

    /// <summary>Event-based measures by collar: with offsets, and of onsets alone.</summary>
    public IReadOnlyList<(EventBased Both, EventBased Onsets)> Collars { get; }

    /// <summary>Segment-based measures over seconds.</summary>
    public SegmentBased Segments { get; }

    /// <summary>The share of the events that are there that an event of the same label overlaps.</summary>
    public double Heard { get; }

    /// <summary>Events an hour that overlap nothing of their label.</summary>
    public double FalseEventsPerHour { get; }

    /// <summary>Reported less real onset of what was heard, in seconds, ascending.</summary>
    public IReadOnlyList<double> OnsetErrors { get; }

    /// <summary>Reported less real offset of what was heard, in seconds, ascending.</summary>
    public IReadOnlyList<double> OffsetErrors { get; }

    /// <summary>
    /// Seconds of sound from the real onset of what was heard to its record that it has opened, ascending; the model's own run aside.
    /// </summary>
    public IReadOnlyList<double> OpenedAfter { get; }

    /// <summary>What other thresholds would give, ascending; empty where that is not known.</summary>
    public IReadOnlyList<OperatingPoint> Points { get; }

    /// <summary>PSDS by DCASE's first scenario; null where other thresholds are not known, or nothing is there.</summary>
    public Psds? Psds1 { get; }

    /// <summary>PSDS by DCASE's second scenario.</summary>
    public Psds? Psds2 { get; }

    /// <summary>The highest threshold at which that share of what is there is heard; null where none is known.</summary>
    public OperatingPoint? At(double heard) => Points.LastOrDefault(p => p.Heard >= heard);

    /// <summary>Compares events with what is there.</summary>
    /// <param name="truth">What is there.</param>
    /// <param name="reported">The events of the same files.</param>
    /// <param name="hours">Hours of sound in them.</param>
    /// <param name="collars">The collars, in seconds.</param>
    /// <param name="lengthShare">The share of an event's length that an offset may be off where that is more.</param>
    /// <param name="points">What other thresholds would have given, by ascending threshold; none where that is not known.</param>
    public static EventReport Make(
        Truth truth, IReadOnlyList<TimedLabel> reported, double hours, IReadOnlyList<double> collars, double lengthShare,
        IReadOnlyList<(double Threshold, IReadOnlyList<TimedLabel> Events)> points) =>
        new(truth, reported, hours, collars, lengthShare, points);

    private static int CountFalse(IReadOnlyList<TimedLabel> reference, IReadOnlyList<TimedLabel> reported)
    {
        var ours = reference.ToLookup(e => (e.File, e.Label));
        return reported.Count(r => !ours[(r.File, r.Label)].Any(t => t.Overlaps(r)));
    }

    private static List<(TimedLabel Reference, TimedLabel Reported)> Overlapping(
        IReadOnlyList<TimedLabel> reference, IReadOnlyList<TimedLabel> reported)
    {
        var theirs = reported.Index().ToLookup(e => (e.Item.File, e.Item.Label));
        var partners = Matching.Largest(reported.Count, [.. reference.Select(r => (IReadOnlyList<int>)
            [.. theirs[(r.File, r.Label)].Where(e => r.Overlaps(e.Item)).Select(e => e.Index)])]);
        return [.. partners.Index().Where(p => p.Item >= 0).Select(p => (reference[p.Index], reported[p.Item]))];
    }
}
