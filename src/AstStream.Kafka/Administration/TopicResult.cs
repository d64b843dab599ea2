namespace AstStream.Kafka.Administration;

/// <summary>What became of a topic.</summary>
/// <param name="Plan">What it should be.</param>
/// <param name="IsNew">Whether it was made, or would be.</param>
/// <param name="Partitions">The partitions that it has.</param>
/// <param name="Replication">The copies of each.</param>
/// <param name="Advice">What a person should look at; null where all is well.</param>
public sealed record TopicResult(TopicPlan Plan, bool IsNew, int Partitions, int Replication, string? Advice);
