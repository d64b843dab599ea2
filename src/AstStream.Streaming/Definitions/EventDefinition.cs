using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Decoding;

namespace AstStream.Streaming.Definitions;

/// <summary>How a model's scores become events, as a definition says it: labels by name, whatever the model calls its classes.</summary>
internal sealed record EventDefinition
{
    public const int MostMedianWindows = 99; // hops that the median filter looks at

    public static readonly Key<double?> ThresholdKey = Keys.Number(
        "threshold",
        "The least smoothed score that opens an event, for all labels; by default what the model's thresholds.json says for each, "
            + "else 0.5, as with an ensemble, or with another function_to_apply than the model's own.", 0, 1);
    public static readonly Key<IReadOnlyDictionary<string, double>?> ThresholdsKey = Keys.Numbers(
        "thresholds", "Thresholds of single labels; they win over threshold.", 0, 1);
    public static readonly Key<double?> ReleaseThresholdKey = Keys.Number(
        "release_threshold",
        "The least smoothed score that keeps an event open (hysteresis); 0.8 of the label's threshold by default, and never over it.", 0,
        1);
    public static readonly Key<string> TimingKey = Keys.Choice(
        "timing",
        "What says when an event begins and ends: segment (what rises above the noise floor, to 0.16 s; the default), contains (where "
            + "windows that have it overlap) or window (each window's middle).",
        EventTiming.Segment.Word(), EnumWords.All<EventTiming>());
    public static readonly Key<string> ConfirmKey = Keys.Choice(
        "confirm",
        "Whether what rises above the noise floor is scored once more, alone: segment (the default) or none.", "segment", "segment",
        "none");
    public static readonly Key<double?> EarlyKey = Keys.Number(
        "early", "How sure a label must be to open its event before its sound is over: times its threshold, or a score of 0.95. 1.2 by "
            + "default; less opens sooner, and more events are wrong.", 0.5, 10);
    public static readonly Key<IReadOnlyDictionary<string, double>?> EarlyLabelsKey = Keys.Numbers(
        "early_labels", "The same of single labels, which win over early: for an alarm that must be known at once and may be wrong at "
            + "times, less than 1.", 0.5, 10);
    public static readonly Key<IReadOnlyList<string>?> LabelsKey = Keys.Texts("labels",
        "The labels that make events, or names of views: groups of labels that belong to the model. All labels by default. A view with "
            + "classes of its own stands alone, and a change to it or from it needs a restart.");
    public static readonly Key<string> RelatedKey = Keys.Choice(
        "related",
        "What becomes of labels that speak of one sound, where several are over their thresholds at once: drop (the default) keeps the "
            + "lowest in AudioSet's ontology (Dog, and not Animal) and the surest of those that mean the same (Bark or Yip), keep all of "
            + "them.", "drop", "drop", "keep");
    public static readonly Key<IReadOnlyList<string>?> UnlessKey = Keys.Texts("unless",
        "Labels, or views, that rule others out: where one of them scores 0.8 or more, and has more than five times the odds, a label that "
            + "says something else makes no event. none, the default, for none; with a view that has classes of its own, and timing "
            + "segment, the default is the model's other labels that are sounds, so that what the view has no class for is not taken for "
            + "one of them.");
    public static readonly Key<TimeSpan?> SmoothingKey = Keys.Duration("smoothing", "The time that the median filter looks at, as the "
        + "nearest odd number of hops; 0s, the default, for none.", TimeSpan.Zero, TimeSpan.FromHours(1));
    public static readonly Key<int> MedianWindowsKey = Keys.Integer("median_windows",
        "The same as a number of hops, odd, as older definitions say it; 1, the default, for none.", 1, 1, MostMedianWindows);
    public static readonly Key<TimeSpan?> MinDurationKey = Keys.Duration(
        "min_duration", "Shorter events are dropped; 0s by default.", TimeSpan.Zero, TimeSpan.FromHours(1));
    public static readonly Key<TimeSpan?> MergeGapKey = Keys.Duration(
        "merge_gap", "Events of one label that are at most this far apart become one; 1s by default, and 0s where windows say when.",
        TimeSpan.Zero, TimeSpan.FromHours(1));
    public static readonly Key<TimeSpan?> MaxDurationKey = Keys.Duration(
        "max_duration", "An event that lasts this long is closed and another one goes on; 10m by default.", TimeSpan.FromMilliseconds(10),
        TimeSpan.FromDays(30));

    private static readonly TimeSpan s_mergeGap = TimeSpan.FromSeconds(1); // of segments

    public static readonly Key[] All =
    [
        TimingKey, ConfirmKey, EarlyKey, EarlyLabelsKey, ThresholdKey, ThresholdsKey, ReleaseThresholdKey, LabelsKey, RelatedKey,
        UnlessKey, SmoothingKey, MedianWindowsKey, MinDurationKey, MergeGapKey, MaxDurationKey, UnusualDefinition.Key,
    ];

    /// <summary>The score that opens an event, of all labels that have none of their own; null for the model's.</summary>
    public double? Threshold { get; init; }

    /// <summary>The same of single labels.</summary>
    public IReadOnlyDictionary<string, double> Thresholds { get; init; } = new Dictionary<string, double>();

    /// <summary>How sure single labels must be to open their events early, times their thresholds.</summary>
    public IReadOnlyDictionary<string, double> EarlyLabels { get; init; } = new Dictionary<string, double>();

    /// <summary>The score that keeps an event open; null for 0.8 of its label's threshold.</summary>
    public double? ReleaseThreshold { get; init; }

    /// <summary>The labels that make events, and views; null for all.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>The labels that rule others out, and views; null for what is usual.</summary>
    public IReadOnlyList<string>? Unless { get; init; }

    /// <summary>Whether of labels that speak of one sound only one makes an event.</summary>
    public bool DropsRelated { get; init; }

    /// <summary>The time that the median filter looks at; null where the options say it as a number of hops.</summary>
    public TimeSpan? Smoothing { get; init; }

    /// <summary>Whether what sounds is scored once more, alone.</summary>
    public bool Confirms { get; init; }

    /// <summary>Which streams are listened to for unusual sound; null for none.</summary>
    public UnusualRule? Unusual { get; init; }

    /// <summary>What does not depend on the model: all but thresholds and hop.</summary>
    public required EventOptions Options { get; init; }

    /// <summary>Equal for sections that say the same.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Where it stands.</summary>
    public required SectionPlaces Places { get; init; }

    /// <summary>Takes the values of a section.</summary>
    public static EventDefinition Read(SectionReader section)
    {
        static long Samples(TimeSpan? duration) => (long)Math.Round((duration?.TotalSeconds ?? 0) * FbankOptions.SampleRate);
        var timing = EnumWords.Parse<EventTiming>(section.Get(TimingKey));
        var events = new EventDefinition
        {
            Confirms = timing == EventTiming.Segment && section.Get(ConfirmKey) == "segment",
            Threshold = section.Get(ThresholdKey),
            Thresholds = section.Get(ThresholdsKey) ?? new Dictionary<string, double>(),
            EarlyLabels = section.Get(EarlyLabelsKey) ?? new Dictionary<string, double>(),
            ReleaseThreshold = section.Get(ReleaseThresholdKey),
            Labels = section.Get(LabelsKey),
            DropsRelated = section.Get(RelatedKey) == "drop",
            Unless = section.Get(UnlessKey),
            Smoothing = section.Get(SmoothingKey),
            Unusual = UnusualDefinition.Read(section),
            Options = new EventOptions
            {
                Thresholds = [],
                ReleaseThresholds = [],
                Timing = timing,
                MedianWindows = section.Get(MedianWindowsKey),
                EarlySurety = (float?)section.Get(EarlyKey) ?? EventOptions.UsualSurety,
                MinDuration = Samples(section.Get(MinDurationKey)),
                MergeGap = Samples(section.Get(MergeGapKey) ?? (timing == EventTiming.Segment ? s_mergeGap : null)),
                MaxDuration = Samples(section.Get(MaxDurationKey) ?? TimeSpan.FromMinutes(10)),
            },
            Fingerprint = section.Fingerprint(),
            Places = section.Places,
        };
        if (events.Options.MaxDuration < events.Options.MinDuration)
            section.Problem(MaxDurationKey, "is shorter than min_duration: no event could be long enough");
        foreach (var key in ((Key[])[ConfirmKey, EarlyKey, EarlyLabelsKey]).Where(k => timing != EventTiming.Segment && section.Has(k)))
            section.Problem(
                key, $"stands beside 'timing: {timing.Word()}', by which nothing is scored alone; expected it with 'timing: segment'");
        foreach (var key in ((Key[])[EarlyKey, EarlyLabelsKey]).Where(
            k => section.Has(k) && timing == EventTiming.Segment && !events.Confirms))
            section.Problem(key, "stands beside 'confirm: none', by which nothing is known early; expected 'confirm: segment'");
        if (events.Smoothing is not null && section.Has(MedianWindowsKey))
            section.Problem(MedianWindowsKey, "stands beside 'smoothing', which says the same as a time; expected one of them");
        else if (events.Options.MedianWindows % 2 == 0)
            section.Problem(
                MedianWindowsKey,
                $"{events.Options.MedianWindows} is even; expected an odd number of windows, so that one is in the middle");
        return events;
    }
}
