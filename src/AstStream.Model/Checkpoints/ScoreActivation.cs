namespace AstStream.Model.Checkpoints;

/// <summary>How logits become scores.</summary>
public enum ScoreActivation
{
    /// <summary>Logits as they are.</summary>
    None,

    /// <summary>1 / (1 + e⁻ˣ) for each class: multi-label models.</summary>
    Sigmoid,

    /// <summary>eˣ over the sum of all classes' eˣ: single-label models.</summary>
    Softmax,
}
