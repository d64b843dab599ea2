using AstStream.Model.Checkpoints;

namespace AstStream.Learning.Training;

/// <summary>What a transformer is trained on.</summary>
public sealed record FineTuneData
{
    /// <summary>Where the clips' samples are.</summary>
    public required SoundBank Bank { get; init; }

    /// <summary>
    /// The architecture. Its labels are those of the base that are kept, and after them the ones that are learnt; its localiser's groups
    /// are those of the base that are kept, and after them a group for each learnt label that has times.
    /// </summary>
    public required AstConfig Config { get; init; }

    /// <summary>Labels of the base that are kept: so many come first. 0, the default, for none.</summary>
    public int Kept { get; init; }

    /// <summary>The groups of the base's localiser that are kept, by index: they come first, in this order. None by default.</summary>
    public IReadOnlyList<int> KeptGroups { get; init; } = [];

    /// <summary>Says what the base says, which is what kept labels and groups are to say; null where none are kept.</summary>
    public Teacher? Teacher { get; init; }

    /// <summary>Sound without labels, of which the model is to say what the base does; none by default.</summary>
    public IReadOnlyList<BankedClip> Replay { get; init; } = [];

    /// <summary>How input is normalised.</summary>
    public required ExtractorConfig Extractor { get; init; }

    /// <summary>The weights to begin with, by their names in a checkpoint.</summary>
    public required Func<string, float[]> Weights { get; init; }

    /// <summary>The clips that are learnt from; their targets count the learnt labels alone.</summary>
    public required IReadOnlyList<LearntClip> Train { get; init; }

    /// <summary>Clips of other recordings, by which the best epoch and the thresholds are chosen.</summary>
    public required IReadOnlyList<LearntClip> Chosen { get; init; }

    /// <summary>Clips of yet others, which are measured on at the end; none, where none are kept out.</summary>
    public IReadOnlyList<LearntClip> HeldOut { get; init; } = [];

    /// <summary>The threshold of each learnt label, which stays where no clip is there to choose one by.</summary>
    public required IReadOnlyList<double> Thresholds { get; init; }

    /// <summary>The labels that are learnt.</summary>
    public IReadOnlyList<string> Learnt => [.. Config.Labels.Skip(Kept)];

    /// <summary>What a state must be of for this training to go on from it, by what each is called.</summary>
    public required IReadOnlyDictionary<string, string> Of { get; init; }
}
