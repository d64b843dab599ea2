using AstStream.Streaming.Definitions;

namespace AstStream.Connectors.Capture;

/// <summary>
/// How a live source deals with what devices and networks do. Every value can be set in a pipeline; the keys say what it means.
/// </summary>
internal sealed record LiveOptions
{
    public static readonly Key<string?> WhenMissing = Keys.OptionalChoice(
        "when_missing",
        "What happens when it is not there at the start. fail: the source fails, the others go on. wait: it is looked for until it comes. "
            + "What was there once is always looked for. microphone: fail by default; ffmpeg and socket: wait.", "fail", "wait");
    public static readonly Key<TimeSpan?> StallTimeout = Keys.Duration(
        "stall_timeout",
        "How long it may be open without a sound before it is closed and opened again; 3s and the latency by default for "
            + "microphones, 15s for ffmpeg, never for sockets.",
        TimeSpan.FromMilliseconds(500), TimeSpan.FromHours(1));
    public static readonly Key<TimeSpan?> MaxBackoff = Keys.Duration(
        "max_backoff",
        "The longest wait between two tries to open it; 2s by default for microphones and sockets, 30s for ffmpeg. The waits double from "
            + "a tenth of a second (sockets), a quarter (microphones) or one second, with jitter, and start over after 10 s of sound.",
        TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
    public static readonly Key<bool> DriftCorrection = Keys.Flag(
        "drift_correction",
        "Whether the times of events follow this machine's clock, slowly, where the device's own clock drifts from it. false, the "
            + "default: the stream's start and the samples counted since.");

    /// <summary>Of all live sources that can be opened again.</summary>
    public static readonly Key[] ReopenKeys = [WhenMissing, StallTimeout, MaxBackoff, DriftCorrection];

    /// <summary>The channel that is heard, from 0; null for the mean of all.</summary>
    public int? Channel { get; init; }

    /// <summary>Whether it is looked for when it is not there at the start.</summary>
    public bool WaitsAtStart { get; init; }

    /// <summary>How long nothing may come before it is reported.</summary>
    public TimeSpan StalledAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long nothing may come before it is opened again; null for ever.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The first wait before it is opened again.</summary>
    public TimeSpan MinDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Sound for so long makes the next wait the first one again.</summary>
    public TimeSpan HealthyAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After a break, how long arrivals are watched to tell what was late from what is missing.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Less missing time than this is a late arrival.</summary>
    public TimeSpan Tolerance { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Whether what was heard before a break may come again after it: web servers begin with what they have kept.</summary>
    public bool MayRepeat { get; init; }

    /// <summary>Whether times follow this machine's clock.</summary>
    public bool CorrectsDrift { get; init; }

    /// <summary>Takes over what a section says.</summary>
    public LiveOptions With(SectionReader section)
    {
        var max = section.Get(MaxBackoff) ?? MaxDelay;
        return this with
        {
            Channel = section.Get(SourceKeys.Channel),
            WaitsAtStart = section.Get(WhenMissing) is { } when ? when == "wait" : WaitsAtStart,
            Timeout = section.Get(StallTimeout) ?? Timeout,
            MaxDelay = max,
            MinDelay = MinDelay < max ? MinDelay : max,
            CorrectsDrift = section.Get(DriftCorrection),
        };
    }
}
