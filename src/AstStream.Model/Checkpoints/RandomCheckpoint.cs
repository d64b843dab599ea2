using System.Globalization;

namespace AstStream.Model.Checkpoints;

/// <summary>Checkpoints of the published sizes with seeded random weights: to measure speed and memory without a download.</summary>
public static class RandomCheckpoint
{
    private const int Version = 1; // of the weights: another one is another folder
    private const int Seed = 20210405;

    private static readonly Dictionary<string, (int Hidden, int Heads)> s_sizes = new(StringComparer.Ordinal)
    {
        ["base"] = (768, 12),
        ["small"] = (384, 6),
        ["tiny"] = (192, 3),
    };

    /// <summary>The sizes: base, small and tiny (DeiT's), 12 layers each, strides 10/10, 1,024 frames, 527 labels.</summary>
    public static IReadOnlyCollection<string> Sizes => s_sizes.Keys;

    /// <summary>The folder of a random checkpoint in the cache; it is made where it is not there.</summary>
    /// <param name="size">One of <see cref="Sizes"/>.</param>
    /// <param name="cacheFolder">The product's cache folder.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public static string GetOrMake(string size, string cacheFolder)
    {
        var folder = Path.Combine(cacheFolder, "random", string.Create(CultureInfo.InvariantCulture, $"ast-{size}-{Version}"));
        if (File.Exists(Path.Combine(folder, CheckpointFolder.ConfigFile)))
            return folder;
        var (hidden, heads) = s_sizes[size];
        var config = new AstConfig
        {
            HiddenSize = hidden,
            NumHiddenLayers = 12,
            NumAttentionHeads = heads,
            IntermediateSize = 4 * hidden,
            LayerNormEps = 1e-12f,
            PatchSize = 16,
            QkvBias = true,
            FrequencyStride = 10,
            TimeStride = 10,
            MaxLength = 1024,
            NumMelBins = 128,
            Labels = [.. Enumerable.Range(0, 527).Select(i => $"LABEL_{i}")],
            ProblemType = "multi_label_classification",
        };
        var state = (ulong)Seed;
        var tensors = AstTensors.Expected(config)
            .Select(t => new TensorToWrite(t.Name, ElementType.Float32, t.Shape, () => Values(t.Name, t.Shape, ref state))).ToList();
        Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
        try
        {
            CheckpointFolder.Write(
                folder, ConfigWriter.Config(config, "F32"), ConfigWriter.Extractor(config, ExtractorConfig.AudioSet), tensors, null, null);
        }
        catch (Exception e) when (
            e is InvalidCheckpointException or IOException && File.Exists(Path.Combine(folder, CheckpointFolder.ConfigFile)))
        {
            // Another process was first; its weights are the same.
        }

        return folder;
    }

    /// <summary>
    /// Nearly normal values (the sum of four uniform ones), of a deviation of 0.02 as ASTConfig's initializer_range; LayerNorm's weights
    /// are around 1.
    /// </summary>
    internal static float[] Values(string name, int[] shape, ref ulong state)
    {
        var values = new float[shape.Aggregate(1, (a, b) => a * b)];
        var mean = name.Contains("layernorm", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal) ? 1f : 0f;
        for (var i = 0; i < values.Length; i++)
        {
            // SplitMix64; four 16-bit parts, whose sum has a deviation of 37,837 around 131,070.
            state += 0x9E3779B97F4A7C15;
            var z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            z ^= z >> 31;
            var sum = (int)(z & 0xFFFF) + (int)((z >> 16) & 0xFFFF) + (int)((z >> 32) & 0xFFFF) + (int)(z >> 48);
            values[i] = mean + ((sum - 131_070) * (0.02f / 37_837f));
        }

        return values;
    }
}
