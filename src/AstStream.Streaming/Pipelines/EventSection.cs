using AstStream.Dsp;
using AstStream.Events.Decoding;

namespace AstStream.Streaming.Pipelines;

/// <summary>The section `events` of a definition: its keys, and how scores become events by it.</summary>
internal static class EventSection
{
    private const int MostMedianWindows = 99; // hops that the median filter looks at

    private static readonly Key<double?> s_threshold = Keys.Number(
        "threshold",
        "The least smoothed score that opens an event, for all labels; by default what the model's thresholds.json says for each, "
            + "else 0.5.", 0, 1);
    private static readonly Key<IReadOnlyDictionary<string, double>?> s_thresholds = Keys.Numbers(
        "thresholds", "Thresholds of single labels; they win over threshold.", 0, 1);
    private static readonly Key<double?> s_releaseThreshold = Keys.Number(
        "release_threshold",
        "The least smoothed score that keeps an event open (hysteresis); 0.8 of the label's threshold by default, and never over it.", 0,
        1);
    private static readonly Key<IReadOnlyList<string>?> s_labels = Keys.Texts("labels", "The labels that make events; all by default.");
    private static readonly Key<TimeSpan?> s_smoothing = Keys.Duration("smoothing", "The time that the median filter looks at, as the "
        + "nearest odd number of hops; 0s, the default, for none.", TimeSpan.Zero, TimeSpan.FromHours(1));
    private static readonly Key<int> s_medianWindows = Keys.Integer("median_windows",
        "The same as a number of hops, odd, as older definitions say it; 1, the default, for none.", 1, 1, MostMedianWindows);
    private static readonly Key<TimeSpan?> s_minDuration = Keys.Duration(
        "min_duration", "Shorter events are dropped; 0s by default.", TimeSpan.Zero, TimeSpan.FromHours(1));
    private static readonly Key<TimeSpan?> s_mergeGap = Keys.Duration(
        "merge_gap", "Events of one label that are at most this far apart become one; 0s by default.", TimeSpan.Zero,
        TimeSpan.FromHours(1));
    private static readonly Key<TimeSpan?> s_maxDuration = Keys.Duration(
        "max_duration", "An event that lasts this long is closed and another one goes on; 10m by default.", TimeSpan.FromMilliseconds(10),
        TimeSpan.FromDays(30));

    public static readonly Key[] All =
    [
        s_threshold, s_thresholds, s_releaseThreshold, s_labels, s_smoothing, s_medianWindows, s_minDuration, s_mergeGap, s_maxDuration,
    ];

    /// <summary>Reads the section, for the labels and the hop of its model.</summary>
    public static EventOptions Read(SectionReader section, ModelSection model)
    {
        var labels = model.Labels;
        var general = section.Get(s_threshold);
        var single = section.Get(s_thresholds) ?? new Dictionary<string, double>();
        var wanted = section.Get(s_labels);
        foreach (var (key, label) in single.Keys.Select(l => ((Key)s_thresholds, l))
            .Concat((wanted ?? []).Select(l => ((Key)s_labels, l))))
        {
            if (!labels.Contains(label))
                section.Problem(key, $"the model has no label '{label}'{Nearest.Hint(label, [.. labels])}");
        }

        var thresholds = new float[labels.Count];
        var releases = new float[labels.Count];
        for (var i = 0; i < thresholds.Length; i++)
        {
            // A label that is not wanted has a threshold that no score reaches.
            thresholds[i] = wanted?.Contains(labels[i]) == false
                ? float.PositiveInfinity : (float)(single.TryGetValue(labels[i], out var own) ? own : general ?? model.DefaultThreshold(i));
            releases[i] = Math.Min(thresholds[i], (float?)section.Get(s_releaseThreshold) ?? (0.8f * thresholds[i]));
            if (float.IsPositiveInfinity(thresholds[i]))
                releases[i] = thresholds[i];
        }

        static long Samples(TimeSpan? duration) => (long)Math.Round((duration?.TotalSeconds ?? 0) * FbankOptions.SampleRate);
        var options = new EventOptions
        {
            Thresholds = thresholds,
            ReleaseThresholds = releases,
            MedianWindows = MedianWindows(section, model.Window.HopFrames),
            HopLength = model.Window.HopFrames * FbankOptions.FrameShift,
            MinDuration = Samples(section.Get(s_minDuration)),
            MergeGap = Samples(section.Get(s_mergeGap)),
            MaxDuration = Samples(section.Get(s_maxDuration) ?? TimeSpan.FromMinutes(10)),
        };
        if (options.MaxDuration < options.MinDuration)
            section.Problem(s_maxDuration, "is shorter than min_duration: no event could be long enough");
        return options;
    }

    /// <summary>The hops that the median filter looks at: an odd number, so that one is in the middle.</summary>
    private static int MedianWindows(SectionReader section, int hopFrames)
    {
        if (!section.Has(s_smoothing))
        {
            var windows = section.Get(s_medianWindows);
            if (windows % 2 == 0)
                section.Problem(
                    s_medianWindows, $"{windows} is even; expected an odd number of windows, so that one is in the middle");
            return windows;
        }

        if (section.Has(s_medianWindows))
            section.Problem(s_medianWindows, "stands beside 'smoothing', which says the same as a time; expected one of them");
        var hop = hopFrames * 0.01; // seconds
        var nearest = (
            2 * Math.Round(((section.Get(s_smoothing)!.Value.TotalSeconds / hop) - 1) / 2, MidpointRounding.AwayFromZero)) + 1;
        if (nearest > MostMedianWindows)
        {
            const int most = MostMedianWindows;
            section.Problem(
                s_smoothing,
                FormattableString.Invariant($"is {nearest} hops of {hop} s; expected at most {most}, {most * hop} s"));
        }

        return (int)Math.Clamp(nearest, 1, MostMedianWindows);
    }
}
