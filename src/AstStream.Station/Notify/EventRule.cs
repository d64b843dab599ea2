using System.IO.Enumeration;
using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>Which events are sent to whom. Empty lists mean all.</summary>
/// <param name="Name">Its name.</param>
/// <param name="To">The targets, by name.</param>
internal sealed record EventRule(string Name, IReadOnlyList<string> To)
{
    /// <summary>The labels, or views, those below them included.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>The streams, by names or patterns with *.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>The least score.</summary>
    public double MinScore { get; init; }

    /// <summary>The moments of an event's life.</summary>
    public IReadOnlyList<NoticeMoment> When { get; init; } = [NoticeMoment.Opened];

    /// <summary>The parts of the day.</summary>
    public IReadOnlyList<DayTime> Hours { get; init; } = [];

    /// <summary>The days of the week. A part of the day that goes over midnight belongs to the day that it begins on.</summary>
    public IReadOnlyList<DayOfWeek> Days { get; init; } = [];

    /// <summary>How long after a notification of a label and stream the next one of them is left out.</summary>
    public TimeSpan Cooldown { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most single notifications to a target within <see cref="Within"/>; more become a digest.</summary>
    public int Burst { get; init; } = 10;

    /// <summary>The time that <see cref="Burst"/> is of.</summary>
    public TimeSpan Within { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How loudly.</summary>
    public Urgency Urgency { get; init; } = Urgency.Normal;

    /// <summary>Whether it wants a stream, a score and a local time; its labels are looked at by who knows the model.</summary>
    public bool Wants(string stream, double score, DateTime local) =>
        score >= MinScore
        && (Streams.Count == 0 || Streams.Any(s => FileSystemName.MatchesSimpleExpression(s, stream, ignoreCase: false)))
        && (Hours.Count == 0 ? IsOn(local) : Hours.Any(h => h.BeginOf(local) is { } begin && IsOn(begin)));

    private bool IsOn(DateTime day) => Days.Count == 0 || Days.Contains(day.DayOfWeek);
}
