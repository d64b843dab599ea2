namespace AstStream.Kafka.Transactions;

/// <summary>Where the last owner of a partition left it.</summary>
/// <param name="Offset">The committed offset, or where to begin where there is none.</param>
/// <param name="IsCommitted">Whether it was committed.</param>
/// <param name="States">The states of its streams.</param>
internal sealed record PartitionState(long Offset, bool IsCommitted, IReadOnlyDictionary<string, byte[]> States);
