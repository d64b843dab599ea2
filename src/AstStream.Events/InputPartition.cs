namespace AstStream.Events;

/// <summary>A partition of a topic that sound is read from.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Number">The partition's number.</param>
public sealed record InputPartition(string Topic, int Number);
