using AstStream.Model.Checkpoints;

namespace AstStream.Model.Import;

/// <summary>What another localiser of a checkpoint is made of.</summary>
public static class CheckpointLocaliser
{
    private const float LayerNormEps = 1e-5f;
    private const ulong Seed = 20210405; // of weights that a base has none of

    /// <summary>A localiser for other labels.</summary>
    /// <param name="checkpoint">The base.</param>
    /// <param name="labels">The labels; all of the base's are among them where its groups are kept.</param>
    /// <param name="placed">The labels that get a group of their own, after those that are kept.</param>
    /// <param name="keepsGroups">Whether the groups of the base's localiser are kept.</param>
    /// <returns>Null where there is no group.</returns>
    public static LocaliserConfig? Config(
        AstCheckpoint checkpoint, IReadOnlyList<string> labels, IReadOnlyCollection<string> placed, bool keepsGroups)
    {
        var (config, own) = (checkpoint.Config, checkpoint.Config.Localiser);
        var index = labels.Index().DistinctBy(l => l.Item).ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        List<IReadOnlyList<int>> groups =
        [
            .. (keepsGroups ? own?.Groups ?? [] : []).Select(g => (int[])[.. g.Select(l => index[config.Labels[l]])]),
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
    /// The tensors to begin with, by name: the base's, where it has a localiser; groups of one's own say nothing yet, a logit of 0.
    /// </summary>
    /// <param name="checkpoint">The base.</param>
    /// <param name="localiser">What <see cref="Config"/> gave.</param>
    /// <param name="kept">Its groups that are the base's: so many come first.</param>
    public static Dictionary<string, float[]> Tensors(AstCheckpoint checkpoint, LocaliserConfig localiser, int kept)
    {
        const string output = AstTensors.LocaliserOutput;
        var isNew = checkpoint.Config.Localiser is null;
        var state = Seed;
        var tensors = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, shape) in AstTensors.Localiser(checkpoint.Config with { Localiser = localiser }))
        {
            if (!name.StartsWith(output, StringComparison.Ordinal))
            {
                tensors.Add(
                    name,
                    !isNew ? checkpoint.Read(name) : name.EndsWith(".bias", StringComparison.Ordinal) ? new float[shape[0]]
                        : RandomCheckpoint.Values(name, shape, ref state));
                continue;
            }

            var values = new float[shape.Aggregate(1, (a, b) => a * b)];
            if (kept > 0)
                checkpoint.Read(name).AsSpan(0, kept * (values.Length / shape[0])).CopyTo(values);
            tensors.Add(name, values);
        }

        return tensors;
    }
}
