using AstStream.Model.Checkpoints;

namespace AstStream.Model.Import;

/// <summary>What another localiser of a checkpoint is made of.</summary>
public static class CheckpointLocaliser
{
    private const float LayerNormEps = 1e-5f;
    private const ulong Seed = 20210405; // of weights that a base has none of

    /// <summary>The groups of a base's localiser, by index, that are of more than labels which get a group of their own.</summary>
    /// <param name="checkpoint">The base.</param>
    /// <param name="placed">The labels that get a group of their own.</param>
    public static IReadOnlyList<int> Kept(AstCheckpoint checkpoint, IReadOnlyCollection<string> placed) =>
    [
        .. (checkpoint.Config.Localiser?.Groups ?? []).Index()
            .Where(g => !g.Item.All(l => placed.Contains(checkpoint.Config.Labels[l]))).Select(g => g.Index),
    ];

    /// <summary>A localiser for other labels.</summary>
    /// <param name="checkpoint">The base.</param>
    /// <param name="labels">The labels; all of the base's that are in groups which are kept are among them.</param>
    /// <param name="kept">The groups of the base's localiser that go on, by index; they come first.</param>
    /// <param name="placed">The labels that get a group of their own.</param>
    /// <returns>Null where there is no group.</returns>
    public static LocaliserConfig? Config(
        AstCheckpoint checkpoint, IReadOnlyList<string> labels, IReadOnlyList<int> kept, IReadOnlyCollection<string> placed)
    {
        var (config, own) = (checkpoint.Config, checkpoint.Config.Localiser);
        var index = labels.Index().DistinctBy(l => l.Item).ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        List<IReadOnlyList<int>> groups =
        [
            .. kept.Select(g => (int[])[.. own!.Groups[g].Select(l => index[config.Labels[l]])]),
            .. labels.Where(placed.Contains).Select(l => (int[])[index[l]]),
        ];
        return groups.Count == 0 ? null : new LocaliserConfig
        {
            IntermediateSize = own?.IntermediateSize ?? config.HiddenSize,
            LayerNormEps = own?.LayerNormEps ?? LayerNormEps,
            Groups = groups,
        };
    }

    /// <summary>
    /// The tensors to begin with, by name. They are the base's, where it has a localiser; a group of one's own is what places its label
    /// there, and says nothing yet, a logit of 0, where none does.
    /// </summary>
    /// <param name="checkpoint">The base.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="localiser">What <see cref="Config"/> gave for them.</param>
    /// <param name="kept">The groups of the base's that go on.</param>
    public static Dictionary<string, float[]> Tensors(
        AstCheckpoint checkpoint, IReadOnlyList<string> labels, LocaliserConfig localiser, IReadOnlyList<int> kept)
    {
        var names = checkpoint.Config.Labels.ToList();
        int[] rows = // of the base's; -1 for none
        [
            .. kept,
            .. localiser.Groups.Skip(kept.Count).Select(g => names.IndexOf(labels[g[0]]) is >= 0 and var known
                ? checkpoint.Config.Localiser?.GroupOf([[known]])[0] ?? -1 : -1),
        ];
        var isNew = checkpoint.Config.Localiser is null;
        var state = Seed;
        var tensors = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, shape) in AstTensors.Localiser(checkpoint.Config with { Localiser = localiser }))
        {
            var isOutput = name.StartsWith(AstTensors.LocaliserOutput, StringComparison.Ordinal);
            tensors.Add(
                name,
                isOutput ? Rows(isNew ? [] : checkpoint.Read(name), rows, shape.Skip(1).FirstOrDefault(1))
                    : !isNew ? checkpoint.Read(name)
                    : name.EndsWith(".bias", StringComparison.Ordinal) ? new float[shape[0]]
                    : RandomCheckpoint.Values(name, shape, ref state));
        }

        return tensors;
    }

    /// <summary>Some rows of a matrix, one after the other; zeros for -1.</summary>
    private static float[] Rows(float[] of, int[] rows, int width) =>
        [.. rows.SelectMany(r => r < 0 ? new float[width] : of.AsSpan(r * width, width).ToArray())];
}
