namespace AstStream.Kafka.Administration;

/// <summary>A topic as a pipeline needs it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Purpose">What it is for.</param>
/// <param name="Partitions">How many partitions it should have.</param>
/// <param name="Settings">Its settings; the cluster's own hold for the others.</param>
public sealed record TopicPlan(string Name, string Purpose, int Partitions, IReadOnlyDictionary<string, string> Settings);
