namespace AstStream.Learning.Training;

/// <summary>A window of sound that a head is fitted on.</summary>
/// <param name="Features">What the head is given: the embedding after the classifier's LayerNorm.</param>
/// <param name="Targets">The classes that are there, by index; empty for nothing.</param>
/// <param name="Weight">How much it counts: a clip of several windows counts as one.</param>
/// <param name="Recording">The recording that it is of.</param>
/// <param name="Clip">The clip that it is of.</param>
/// <param name="IsFirst">Whether it is the clip's first window, which figures are given for.</param>
public sealed record TrainingRow(
    float[] Features, IReadOnlyList<int> Targets, float Weight, string Recording, int Clip, bool IsFirst);
