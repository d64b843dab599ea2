using AstStream.Model.Checkpoints;

namespace AstStream.Model.Training;

/// <summary>Which graphs train a model.</summary>
internal sealed record TrainingGraphOptions
{
    /// <summary>Windows of a run.</summary>
    public required int Batch { get; init; }

    /// <summary>The first layer that is trained, with all that comes after it; -1 for the embeddings, and so everything.</summary>
    public int FirstTrained { get; init; } = -1;

    /// <summary>The loss of the logits.</summary>
    public TrainingLoss Loss { get; init; }

    /// <summary>Whether layers keep their input alone, and are computed again for their gradients.</summary>
    public bool Checkpoints { get; init; }

    /// <summary>Whether the localiser is trained, too: binary cross-entropy of its columns.</summary>
    public bool TrainsColumns { get; init; }

    /// <summary>The type of products: float32 or bfloat16.</summary>
    public ElementType Products { get; init; } = ElementType.Float32;
}
