using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>Where notifications go, and of what they are.</summary>
internal sealed record NoticeOptions
{
    /// <summary>The targets by their names.</summary>
    public required IReadOnlyList<(string Name, TargetSettings Settings)> Targets { get; init; }

    /// <summary>Of which events.</summary>
    public IReadOnlyList<EventRule> Rules { get; init; } = [];

    /// <summary>Of what of the system.</summary>
    public IReadOnlyList<SystemRule> SystemRules { get; init; } = [];

    /// <summary>Where people find the page; null, the default, for nowhere.</summary>
    public string? Link { get; init; }

    /// <summary>How long a notification is tried.</summary>
    public TimeSpan Expire { get; init; } = TimeSpan.FromDays(1);
}
