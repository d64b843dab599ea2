namespace AstStream.Learning.Training;

/// <summary>A clip, and the classes that are there.</summary>
/// <param name="Clip">The clip.</param>
/// <param name="Targets">The classes, by index; none for nothing.</param>
public sealed record LearntClip(BankedClip Clip, IReadOnlyList<int> Targets);
