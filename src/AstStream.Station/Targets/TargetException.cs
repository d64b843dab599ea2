namespace AstStream.Station.Targets;

/// <summary>A notification did not arrive. The message says where and why, and holds no secret.</summary>
/// <param name="message">Where, and why.</param>
/// <param name="isRefused">Whether this notification will never be taken: the next one may be.</param>
internal sealed class TargetException(string message, bool isRefused = false) : Exception(message)
{
    /// <summary>Whether this notification will never be taken: the next one may be.</summary>
    public bool IsRefused => isRefused;

    /// <summary>How long the target wants to be left alone; null where it does not say.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
