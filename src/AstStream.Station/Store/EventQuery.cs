namespace AstStream.Station.Store;

/// <summary>Which events of a store.</summary>
public sealed record EventQuery
{
    /// <summary>Their labels; none, the default, for all.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Their streams, by names or patterns with *; none, the default, for all.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>The earliest onset; null, the default, for none.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Onsets are before it; null, the default, for no end.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The least score, 0 (the default) to 1.</summary>
    public double MinScore { get; init; }

    /// <summary>The most that are given, the latest of them; null, the default, for all.</summary>
    public int? Limit { get; init; }
}
