namespace AstStream.Events.Decoding;

/// <summary>How scores become events. Durations are in samples, so that nothing depends on a clock.</summary>
public sealed record EventOptions
{
    /// <summary>The release threshold by the threshold, where nobody gives another one.</summary>
    public const float Hysteresis = 0.8f;

    /// <summary>The surety of early events where nobody gives another one.</summary>
    public const float UsualSurety = 1.2f;

    /// <summary>
    /// The least smoothed score that opens an event, by class index; 0 to 1, or infinity for a class that makes no events.
    /// </summary>
    public required IReadOnlyList<float> Thresholds { get; init; }

    /// <summary>The least smoothed score that keeps it open, by class index; each at most the class's threshold (hysteresis).</summary>
    public required IReadOnlyList<float> ReleaseThresholds { get; init; }

    /// <summary>
    /// Of each class, the classes above it: they make no event where it sounds. Empty, the default, where classes say nothing of one
    /// another.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<int>> Ancestors { get; init; } = [];

    /// <summary>
    /// Of each class, the classes that mean the same sound, where neither is above the other: of those that sound at once the surest makes
    /// an event. Each of two has the other. Empty by default.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<int>> Related { get; init; } = [];

    /// <summary>
    /// Of each class, the classes that are something else: where one of them scores 0.8 or more, and has more than five times the odds, the
    /// class makes no event. What is scored alone is judged by its own scores, and windows by theirs. Empty by default.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<int>> Rivals { get; init; } = [];

    /// <summary>What says when an event begins and ends; <see cref="EventTiming.Window"/> by default.</summary>
    public EventTiming Timing { get; init; } = EventTiming.Window;

    /// <summary>
    /// Windows that the median filter looks at, odd, 1 (none, the default) to 99. The first and last window are repeated beyond the ends.
    /// </summary>
    public int MedianWindows { get; init; } = 1;

    /// <summary>
    /// Samples of the configured hop. The median filter looks at the time of MedianWindows such hops, so that a stretched hop makes it
    /// neither slower nor blind; 0, the default, counts windows, however long they are.
    /// </summary>
    public long HopLength { get; init; }

    /// <summary>
    /// Times its threshold, what a label needs to open its event before its sound is over, at 0.95 at most; 1.2 by default. The lower, the
    /// sooner events open, and the more of them are wrong.
    /// </summary>
    public float EarlySurety { get; init; } = UsualSurety;

    /// <summary>The same by class index; empty, the default, where <see cref="EarlySurety"/> is every class's.</summary>
    public IReadOnlyList<float> EarlySureties { get; init; } = [];

    /// <summary>Shorter events are dropped; 0 by default.</summary>
    public long MinDuration { get; init; }

    /// <summary>Events of one class that are at most this far apart become one; 0 by default.</summary>
    public long MergeGap { get; init; }

    /// <summary>An event that has lasted this long is closed, and another one goes on; without a bound by default.</summary>
    public long MaxDuration { get; init; } = long.MaxValue;

    /// <summary>Throws when an option is out of its range; all problems in one message.</summary>
    /// <exception cref="ArgumentException">Something is out of range.</exception>
    public void Validate()
    {
        var problems = new List<string>();
        if (ReleaseThresholds.Count != Thresholds.Count)
            problems.Add($"{ReleaseThresholds.Count} release thresholds for {Thresholds.Count} thresholds");
        foreach (var (name, lists) in new[] { ("ancestors", Ancestors), ("related", Related), ("rivals", Rivals) })
        {
            if (lists.Count != 0 && lists.Count != Thresholds.Count)
                problems.Add($"{lists.Count} lists of {name} for {Thresholds.Count} thresholds");
            else if (lists.Any(l => l.Any(c => c < 0 || c >= Thresholds.Count)))
                problems.Add($"one of the {name} is no class");
        }

        for (var i = 0; i < Math.Min(Thresholds.Count, ReleaseThresholds.Count); i++)
        {
            if (!(ReleaseThresholds[i] <= Thresholds[i]))
                problems.Add($"class {i}: release threshold {ReleaseThresholds[i]} over threshold {Thresholds[i]}");
        }

        if (MedianWindows is < 1 or > 99 || MedianWindows % 2 == 0)
            problems.Add($"MedianWindows is {MedianWindows}; expected an odd number from 1 to 99");
        if (!(EarlySurety > 0))
            problems.Add($"EarlySurety is {EarlySurety}; expected more than 0");
        if (EarlySureties.Count != 0 && EarlySureties.Count != Thresholds.Count)
            problems.Add($"{EarlySureties.Count} early sureties for {Thresholds.Count} thresholds");
        else if (EarlySureties.Any(s => !(s > 0)))
            problems.Add("an early surety is not more than 0");
        if (HopLength < 0)
            problems.Add("HopLength can't be negative");
        if (MinDuration < 0 || MergeGap < 0)
            problems.Add("MinDuration and MergeGap can't be negative");
        if (MaxDuration <= 0 || MaxDuration < MinDuration)
            problems.Add($"MaxDuration is {MaxDuration}; expected more than 0 and at least MinDuration");
        if (problems.Count > 0)
            throw new ArgumentException(string.Join("; ", problems));
    }
}
