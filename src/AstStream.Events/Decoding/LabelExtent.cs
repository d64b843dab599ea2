namespace AstStream.Events.Decoding;

/// <summary>When a label sounds within a part of an activity, given that it is there.</summary>
/// <param name="Start">Its first sample; not before the part.</param>
/// <param name="End">The sample after its last one; after <paramref name="Start"/>, and not after the part.</param>
public readonly record struct LabelExtent(long Start, long End);
