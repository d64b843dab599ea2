using AstStream.Model.Checkpoints;

namespace AstStream.Streaming.Decoding;

/// <summary>What a localiser's logits of a window stand for.</summary>
/// <param name="GroupOf">Of each label, the group that places it in time; -1 where none does.</param>
/// <param name="Groups">Groups of labels; a column has a logit for each.</param>
/// <param name="PatchFrames">Frames of a column's patches.</param>
/// <param name="StrideFrames">Frames from one column to the next.</param>
internal sealed record ColumnLayout(IReadOnlyList<int> GroupOf, int Groups, int PatchFrames, int StrideFrames)
{
    /// <summary>That of a checkpoint which runs by a configuration; null where it has no localiser.</summary>
    public static ColumnLayout? Of(AstCheckpoint checkpoint, AstConfig config) => config.Localiser is not { } localiser ? null
        : new ColumnLayout(checkpoint.GroupOf(), localiser.Groups.Count, config.PatchSize, config.TimeStride);
}
