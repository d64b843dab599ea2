using AstStream.Model.Checkpoints;

namespace AstStream.Learning.Training;

/// <summary>What a transformer is trained on.</summary>
public sealed record FineTuneData
{
    /// <summary>Where the clips' samples are.</summary>
    public required SoundBank Bank { get; init; }

    /// <summary>The architecture, with the labels that are trained.</summary>
    public required AstConfig Config { get; init; }

    /// <summary>How input is normalised.</summary>
    public required ExtractorConfig Extractor { get; init; }

    /// <summary>The weights to begin with, by their names in a checkpoint.</summary>
    public required Func<string, float[]> Weights { get; init; }

    /// <summary>The clips that are learnt from.</summary>
    public required IReadOnlyList<LearntClip> Train { get; init; }

    /// <summary>Clips of other recordings, by which the best epoch and the thresholds are chosen.</summary>
    public required IReadOnlyList<LearntClip> Chosen { get; init; }

    /// <summary>Clips of yet others, which are measured on at the end; none, where none are kept out.</summary>
    public IReadOnlyList<LearntClip> HeldOut { get; init; } = [];

    /// <summary>The threshold of each label that has no clip to choose one by.</summary>
    public required IReadOnlyList<double> Thresholds { get; init; }

    /// <summary>What a state must be of for this training to go on from it, by what each is called.</summary>
    public required IReadOnlyDictionary<string, string> Of { get; init; }
}
