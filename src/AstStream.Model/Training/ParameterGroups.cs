using AstStream.Model.Checkpoints;

namespace AstStream.Model.Training;

/// <summary>
/// Parameters in groups of one rate and one decay. Matrices decay, biases, LayerNorms, the learnt tokens and the positions do not, as usual
/// for transformers; a layer's rate is that of the body times the layer decay for every layer from it to the head, itself too (H. Bao et
/// al., BEiT, 2022).
/// </summary>
internal sealed class ParameterGroups
{
    private readonly List<(double Rate, double Decay)> _groups = [];

    /// <summary>Sorts parameters.</summary>
    public ParameterGroups(IReadOnlyList<(string Name, int[] Shape)> trained, AstConfig config, TrainingSessionOptions options)
    {
        var of = new List<int>();
        foreach (var (name, _) in trained)
        {
            var isHead = !name.StartsWith(AstTensors.Prefix, StringComparison.Ordinal); // the classifier's, or the localiser's
            var isLocaliser = name.StartsWith(AstTensors.LocaliserPrefix, StringComparison.Ordinal);
            var below = config.NumHiddenLayers - TrainingGraph.LayerOf(name, config);
            var decays = name.EndsWith(".weight", StringComparison.Ordinal) && !name.Contains("layernorm", StringComparison.Ordinal);
            var rate = isLocaliser ? options.LocaliserRate : isHead ? options.HeadRate : Math.Pow(options.LayerDecay, below);
            var group = (rate, decays ? options.WeightDecay : 0);
            if (!_groups.Contains(group))
                _groups.Add(group);
            of.Add(_groups.IndexOf(group));
        }

        Of = of;
    }

    /// <summary>The group of each parameter.</summary>
    public IReadOnlyList<int> Of { get; }

    /// <summary>Of each group what a step is multiplied by, and what is left of a weight.</summary>
    /// <param name="rate">The body's rate.</param>
    /// <param name="step">The step, from 1 on.</param>
    public (float[] Rates, float[] Kept, float Epsilon) At(double rate, long step)
    {
        const double epsilon = 1e-8;
        var first = 1 - Math.Pow(UpdateGraph.Beta1, step);
        var second = Math.Sqrt(1 - Math.Pow(UpdateGraph.Beta2, step));
        return ([.. _groups.Select(g => (float)(rate * g.Rate * second / first))],
            [.. _groups.Select(g => (float)(1 - (rate * g.Rate * g.Decay)))], (float)(epsilon * second));
    }
}
