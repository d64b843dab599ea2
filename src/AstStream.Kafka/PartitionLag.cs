namespace AstStream.Kafka;

/// <summary>How far a group is behind in a partition.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Committed">What the group has committed; null where it has not.</param>
/// <param name="End">The offset that the next record gets.</param>
public sealed record PartitionLag(string Topic, int Partition, long? Committed, long End)
{
    /// <summary>Records between the two.</summary>
    public long Lag => End - (Committed ?? 0);

    /// <summary>When the first of them was written; null where there is none, or it can't be read.</summary>
    public DateTime? Since { get; init; }
}
