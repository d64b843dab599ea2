using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>A clip as a model hears it.</summary>
/// <param name="Clip">The clip.</param>
/// <param name="Content">What its sound is known by: the same for files whose sound is the same.</param>
/// <param name="Windows">The embedding (pooler_output) of each of its windows, [hidden_size].</param>
public sealed record EmbeddedClip(LabelledClip Clip, string Content, IReadOnlyList<float[]> Windows);
