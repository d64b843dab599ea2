using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>Which conditions of the system are sent to whom.</summary>
/// <param name="Name">Its name.</param>
/// <param name="To">The targets, by name.</param>
/// <param name="Conditions">What is watched.</param>
internal sealed record SystemRule(string Name, IReadOnlyList<string> To, IReadOnlyList<SystemCondition> Conditions)
{
    /// <summary>How long a source must be away.</summary>
    public TimeSpan AwayFor { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Seconds of sound that must be lost within five minutes.</summary>
    public TimeSpan Lost { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes under which the disk has little left.</summary>
    public long Free { get; init; } = 2_000_000_000;

    /// <summary>How loudly.</summary>
    public Urgency Urgency { get; init; } = Urgency.Normal;
}
