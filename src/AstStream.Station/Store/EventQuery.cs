using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>Which events of a store.</summary>
public sealed record EventQuery
{
    /// <summary>The id of the only one; null, the default, for any.</summary>
    public string? Id { get; init; }

    /// <summary>The rows of the only ones in the store; null, the default, for any.</summary>
    internal IReadOnlyCollection<long>? Numbers { get; init; }

    /// <summary>Their labels; none, the default, for all.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Of the model of this name and hash; null, the default, for any.</summary>
    public (string Name, string Hash)? Model { get; init; }

    /// <summary>Their streams, by names or patterns with *; none, the default, for all.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>The earliest onset; null, the default, for none.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Onsets are before it; null, the default, for no end.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only those that come before this place in the order of time, as <see cref="StoredEvent.Place"/>; null for all.</summary>
    public string? Before { get; init; }

    /// <summary>The least score, 0 (the default) to 1.</summary>
    public double MinScore { get; init; }

    /// <summary>What people found of them, null for those that nobody reviewed; none, the default, for all.</summary>
    public IReadOnlyList<ReviewVerdict?> Verdicts { get; init; } = [];

    /// <summary>The most that are given, the latest of them; null, the default, for all.</summary>
    public int? Limit { get; init; }
}
