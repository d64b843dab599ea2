namespace AstStream.Kafka.Administration;

/// <summary>Where a group goes on in a partition after a reset.</summary>
/// <param name="Topic">The topic of sound.</param>
/// <param name="Partition">The partition.</param>
/// <param name="From">What was committed; null where nothing was.</param>
/// <param name="To">The offset that it goes on at.</param>
/// <param name="Streams">Streams whose state is forgotten.</param>
public sealed record PartitionReset(string Topic, int Partition, long? From, long To, int Streams)
{
    /// <summary>Records that come again; below 0, records that are passed over. Null where nothing was committed.</summary>
    public long? Again => From - To;
}
