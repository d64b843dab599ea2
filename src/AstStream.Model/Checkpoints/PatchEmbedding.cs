namespace AstStream.Model.Checkpoints;

/// <summary>
/// What a graph needs of the patch embedding: the projection with the extractor's normalisation folded in, and the constant that is
/// added to the tokens, with the positions fitted to the graph's window.
/// </summary>
internal static class PatchEmbedding
{
    /// <summary>The projection, [hidden_size, patch in frequency · patch in time]; folded, W / (2·std).</summary>
    public static float[] Weight(AstCheckpoint checkpoint, bool fold)
    {
        var weight = checkpoint.Read(AstTensors.Projection + ".weight");
        if (fold && checkpoint.Extractor.DoNormalize)
        {
            var scale = 2.0 * checkpoint.Extractor.Std;
            foreach (ref var w in weight.AsSpan())
                w = (float)(w / scale);
        }

        return weight;
    }

    /// <summary>
    /// [tokens, hidden_size]: cls and distillation token, then the projection's bias for every patch, and the positions on top.
    /// W·(x - mean) / (2·std) + b is W'·x + b' with W' = W / (2·std) and b' = b - mean·ΣW'; the sums are taken in double.
    /// </summary>
    public static float[] Constant(AstCheckpoint checkpoint, AstConfig config, bool fold)
    {
        var d = config.HiddenSize;
        var constant = Positions(checkpoint.Read(AstTensors.PositionEmbeddings), checkpoint.Config, config);
        Add(constant.AsSpan(0, d), checkpoint.Read(AstTensors.ClsToken));
        Add(constant.AsSpan(d, d), checkpoint.Read(AstTensors.DistillationToken));
        var bias = checkpoint.Read(AstTensors.Projection + ".bias");
        if (fold && checkpoint.Extractor.DoNormalize)
        {
            // The weights as the graph has them, so that their rounding is in the sum too.
            var weight = Weight(checkpoint, fold);
            var length = weight.Length / d;
            for (var i = 0; i < d; i++)
            {
                var sum = 0.0;
                foreach (var w in weight.AsSpan(i * length, length))
                    sum += w;
                bias[i] = (float)(bias[i] - (checkpoint.Extractor.Mean * sum));
            }
        }

        for (var token = 2; token < config.Tokens; token++)
            Add(constant.AsSpan(token * d, d), bias);
        return constant;
    }

    /// <summary>
    /// Position embeddings for another grid of patches, as the AST authors fit theirs: along time, then along frequency, the centre
    /// is cut out where the new grid is shorter, and it is interpolated linearly (pixel centres aligned) where it is longer.
    /// </summary>
    /// <param name="positions">[tokens, hidden_size] of the trained grid; the two learnt tokens' own come first and stay.</param>
    /// <param name="trained">The configuration that they were trained with.</param>
    /// <param name="wanted">The configuration that they shall fit.</param>
    public static float[] Positions(float[] positions, AstConfig trained, AstConfig wanted)
    {
        var d = trained.HiddenSize;
        var grid = Fit(positions.AsSpan(2 * d), outer: trained.FrequencyPatches, trained.TimePatches, wanted.TimePatches, inner: d);
        grid = Fit(grid, outer: 1, trained.FrequencyPatches, wanted.FrequencyPatches, inner: wanted.TimePatches * d);
        return [.. positions.AsSpan(0, 2 * d), .. grid];
    }

    /// <summary>Brings the middle one of three axes to another length.</summary>
    private static float[] Fit(ReadOnlySpan<float> values, int outer, int from, int to, int inner)
    {
        var result = new float[outer * to * inner];
        for (var o = 0; o < outer; o++)
        {
            var source = values.Slice(o * from * inner, from * inner);
            for (var i = 0; i < to; i++)
            {
                var target = result.AsSpan(((o * to) + i) * inner, inner);
                if (to <= from)
                {
                    source.Slice(((from / 2) - (to / 2) + i) * inner, inner).CopyTo(target);
                    continue;
                }

                var at = Math.Max(0, ((i + 0.5) * from / to) - 0.5);
                var low = (int)at;
                var high = Math.Min(low + 1, from - 1);
                var weight = (float)(at - low);
                for (var k = 0; k < inner; k++)
                    target[k] = ((1 - weight) * source[(low * inner) + k]) + (weight * source[(high * inner) + k]);
            }
        }

        return result;
    }

    private static void Add(Span<float> to, ReadOnlySpan<float> values)
    {
        for (var i = 0; i < to.Length; i++)
            to[i] += values[i];
    }
}
