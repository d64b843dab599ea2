namespace AstStream.Events;

/// <summary>Words as metrics and records write them.</summary>
public static class RecordWords
{
    /// <summary>The reason in snake_case.</summary>
    public static string SnakeCase(this LossReason reason) => reason switch
    {
        LossReason.DeviceAway => "device_away",
        LossReason.DecodeError => "decode_error",
        LossReason.TooShort => "too_short",
        _ => reason.ToString().ToLowerInvariant(),
    };

    /// <summary>What became of an interval, in lower case.</summary>
    public static string SnakeCase(this CoverageState state) => state.ToString().ToLowerInvariant();

    /// <summary>An event's state in lower case.</summary>
    public static string SnakeCase(this EventState state) => state.ToString().ToLowerInvariant();

    /// <summary>A source's state in lower case.</summary>
    public static string SnakeCase(this SourceState state) => state.ToString().ToLowerInvariant();

    /// <summary>A review's verdict in snake_case.</summary>
    public static string SnakeCase(this ReviewVerdict verdict) =>
        verdict == ReviewVerdict.OtherLabel ? "other_label" : verdict.ToString().ToLowerInvariant();

    /// <summary>What a source was like while sound was lost for a reason; null where the reason does not tell.</summary>
    public static SourceState? StateOfSource(this LossReason reason) => reason switch
    {
        LossReason.DeviceAway or LossReason.DecodeError => SourceState.Away,
        LossReason.Stalled => SourceState.Stalled,
        LossReason.Fault => SourceState.Failed,
        _ => null,
    };
}
