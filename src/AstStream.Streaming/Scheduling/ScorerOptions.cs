using AstStream.Model.Checkpoints;

namespace AstStream.Streaming.Scheduling;

/// <summary>One model, or several whose scores are averaged.</summary>
/// <param name="Checkpoints">The models; they have the same labels and take the same windows.</param>
/// <param name="Configs">What each runs as: its own configuration, or that one with another window.</param>
/// <param name="Activations">How each one's logits become scores.</param>
/// <param name="Hash">Tells the models apart in records.</param>
public sealed record ScorerOptions(
    IReadOnlyList<AstCheckpoint> Checkpoints, IReadOnlyList<AstConfig> Configs, IReadOnlyList<ScoreActivation> Activations, string Hash)
{
    /// <summary>
    /// Whether the first model's localiser is asked when labels sound, in windows that are aimed at an activity; false by default.
    /// </summary>
    public bool Places { get; init; }

    /// <summary>Whether windows get the first model's embeddings besides their scores; false by default.</summary>
    public bool Embeds { get; init; }
}
