namespace AstStream.Learning.Training;

/// <summary>A window of sound that a head is fitted on.</summary>
/// <param name="Features">What the head is given: the embedding after the classifier's LayerNorm.</param>
/// <param name="Targets">The classes that are there, by index; empty for nothing.</param>
/// <param name="Weight">How much it counts: a clip of several windows counts as one.</param>
/// <param name="Recording">The recording that it is of.</param>
/// <param name="Clip">The clip that it is of.</param>
/// <param name="IsFirst">Whether it is the clip's first window, which figures are given for.</param>
public sealed record TrainingRow(
    float[] Features, IReadOnlyList<int> Targets, float Weight, string Recording, int Clip, bool IsFirst)
{
    /// <summary>
    /// The classes of which somebody said whether they are there, by index; null, the default, for all of them. Of the others a head that
    /// is known says how much they are, and where none is, nothing does.
    /// </summary>
    public IReadOnlyList<int>? Judged { get; init; }

    /// <summary>Features of the clip with what is around it, whose score counts as much as its own; null, the default, for none.</summary>
    public float[]? Around { get; init; }

    /// <summary>Whether somebody listened to it.</summary>
    public bool IsJudged => Judged is not { Count: 0 };

    /// <summary>Whether somebody said if a class is there.</summary>
    public bool IsSaid(int target) => Judged is null || Judged.Contains(target);

    /// <summary>
    /// A head's scores of the clip, 0 to 1: with what is around it the geometric mean, as an event's score is of what sounds alone and of
    /// the windows that have it.
    /// </summary>
    public float[] ScoresBy(LogisticHead head)
    {
        var scores = head.Scores(Features);
        return Around is null ? scores : [.. scores.Zip(head.Scores(Around), (own, around) => MathF.Sqrt(own * around))];
    }
}
