namespace AstStream.Station.Notify;

/// <summary>What rules about the system watch.</summary>
internal enum SystemCondition
{
    /// <summary>A live source is away, stalled or failed for a while.</summary>
    StreamAway,

    /// <summary>Sound of a live stream was not scored, as more came than the machine can do, or was lost on the way.</summary>
    WindowsLost,

    /// <summary>Little is free on the disk of the store.</summary>
    DiskLow,
}
