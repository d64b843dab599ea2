using System.Collections.Immutable;

namespace AstStream.Learning.Training;

/// <summary>
/// Clips in three parts, by recording: those that are learnt from, those that are chosen by, and those that are measured on.
/// </summary>
/// <param name="Labels">The labels.</param>
/// <param name="Train">What is learnt from.</param>
/// <param name="Chosen">What the best epoch and the thresholds are chosen by.</param>
/// <param name="HeldOut">What is measured on; none where none are kept out.</param>
public sealed record TrainingSplit(
    IReadOnlyList<string> Labels, IReadOnlyList<LearntClip> Train, IReadOnlyList<LearntClip> Chosen, IReadOnlyList<LearntClip> HeldOut)
{
    /// <summary>All of them.</summary>
    public IEnumerable<LearntClip> All => Train.Concat(Chosen).Concat(HeldOut);

    /// <summary>Clips that are learnt from, and of how many recordings.</summary>
    public (int Clips, int Recordings) Counts => (Train.Count, Train.Select(c => c.Clip.Clip.Group).Distinct().Count());

    /// <summary>Divides clips.</summary>
    /// <param name="clips">The clips.</param>
    /// <param name="heldOut">Clips to measure on; null keeps some recordings out.</param>
    /// <param name="options">What stands for nothing, and the share that is kept out.</param>
    /// <param name="chosen">The share of the other recordings that is chosen by.</param>
    /// <exception cref="InvalidTrainingException">There is too little of a label, or the same sound on two sides.</exception>
    public static TrainingSplit Make(
        IReadOnlyList<BankedClip> clips, IReadOnlyList<BankedClip>? heldOut, HeadOptions options, double chosen)
    {
        var set = new TrainingSet(clips.Select(c => (c.Clip, c.Content)), options.Nothing);
        set.Check();
        var other = heldOut is null ? null : new TrainingSet(heldOut.Select(c => (c.Clip, c.Content)), options.Nothing, set.Labels);
        if (other is not null)
            set.RefuseShared(other);
        IReadOnlySet<string> none = ImmutableHashSet<string>.Empty;
        var measured = other is null && options.HeldOut > 0 ? set.KeepOut(options.HeldOut, none, "--held-out") : none;
        var choosing = set.KeepOut(chosen, measured, "--validation");
        List<LearntClip> all = Of(clips, set);
        return new TrainingSplit(
            set.Labels,
            [.. all.Where(c => !measured.Contains(c.Clip.Clip.Group) && !choosing.Contains(c.Clip.Clip.Group))],
            [.. all.Where(c => choosing.Contains(c.Clip.Clip.Group))],
            other is null ? [.. all.Where(c => measured.Contains(c.Clip.Clip.Group))] : Of(heldOut!, other));
    }

    private static List<LearntClip> Of(IReadOnlyList<BankedClip> clips, TrainingSet set) =>
        [.. clips.Select((c, i) => new LearntClip(c with { Clip = set.Clip(i) }, set.Targets[i]))];
}
