using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>A clip whose samples are at hand.</summary>
/// <param name="Clip">The clip.</param>
/// <param name="Content">What its sound is known by: the same for files whose sound is the same.</param>
/// <param name="First">Where its samples begin in the bank.</param>
/// <param name="Count">How many they are.</param>
public sealed record BankedClip(LabelledClip Clip, string Content, long First, int Count);
