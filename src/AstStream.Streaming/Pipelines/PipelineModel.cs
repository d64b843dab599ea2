namespace AstStream.Streaming.Pipelines;

/// <summary>A model of a run, and the one in its shadow.</summary>
/// <param name="Name">Its name in the pipeline.</param>
/// <param name="Path">Its checkpoint's folder; those of an ensemble, joined by " + ".</param>
/// <param name="Hash">Its hash.</param>
/// <param name="Labels">How many labels it has.</param>
/// <param name="Shadow">The one in its shadow; null where there is none.</param>
public sealed record PipelineModel(string Name, string Path, string Hash, int Labels, PipelineModel? Shadow = null);
