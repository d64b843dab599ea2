using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Model.Training;

/// <summary>How a model is trained, as far as its graphs go.</summary>
public sealed record TrainingSessionOptions
{
    /// <summary>Windows of a run, 1 to 1024.</summary>
    public required int Batch { get; init; }

    /// <summary>The first layer that is trained, with all that comes after it; -1, the default, trains the embeddings, too.</summary>
    public int FirstTrained { get; init; } = -1;

    /// <summary>The loss of the logits.</summary>
    public TrainingLoss Loss { get; init; }

    /// <summary>Whether layers keep their input alone and are computed again for their gradients: slower, in less memory.</summary>
    public bool Checkpoints { get; init; }

    /// <summary>Whether the localiser is trained, too.</summary>
    public bool TrainsColumns { get; init; }

    /// <summary>Whether the localiser alone is trained, and all else stays as it is, whatever <see cref="FirstTrained"/> says.</summary>
    public bool TrainsColumnsAlone { get; init; }

    /// <summary>Whether a moving average of the weights is kept, which is what is evaluated.</summary>
    public bool Averages { get; init; }

    /// <summary>What a layer's rate is multiplied by for every layer from it to the head, itself too; above 0 to 1 (the default).</summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>
    /// How many times the body's rate the head's is; 1 by default, for a head that was fitted before. The AST authors take 10 to 100 for
    /// one that is new.
    /// </summary>
    public double HeadRate { get; init; } = 1;

    /// <summary>How many times the body's rate the localiser's is; 10 by default, as it may be new.</summary>
    public double LocaliserRate { get; init; } = 10;

    /// <summary>AdamW's decay of matrices: at a step they lose so much of themselves, times the rate. 0.01 by default.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>cpu (the default) or cuda.</summary>
    public ExecutionProvider Provider { get; init; }

    /// <summary>The GPU's number.</summary>
    public int DeviceId { get; init; }

    /// <summary>float32 (the default), or bfloat16 for products on a GPU; all else stays float32.</summary>
    public ModelPrecision Precision { get; init; } = ModelPrecision.Float32;

    /// <summary>Whether float32 products on a GPU have their factors rounded to TF32's 10 bits; true by default.</summary>
    public bool Tf32 { get; init; } = true;

    /// <summary>Threads on a CPU; 0, the default, for all cores.</summary>
    public int Threads { get; init; }
}
