using AstStream.Model.Checkpoints;
using AstStream.Model.Training;

namespace AstStream.Tests.Model.Training;

/// <summary>The small reference checkpoint with its localiser, and the batch that training.py makes of three clips.</summary>
internal static class TrainingTrial
{
    public const string Folder = "ast-small-16x16-t256";
    public const int Rows = 3;

    private const float Fifths = 4;

    public static Dictionary<string, float[]> Tensors(string file)
    {
        using var tensors = new SafetensorsFile(Path.Combine(Reference.Folder, Folder, file));
        return tensors.Tensors.Keys.ToDictionary(name => name, tensors.Read, StringComparer.Ordinal);
    }

    public static AstConfig Config()
    {
        using var checkpoint = AstCheckpoint.Open(Path.Combine(Reference.Folder, Folder));
        return checkpoint.Config with
        {
            Localiser = new LocaliserConfig { IntermediateSize = 24, LayerNormEps = 1e-6f, Groups = [[0, 1], [1], [2, 3, 1]] },
        };
    }

    public static TrainingSession Session(TrainingSessionOptions options)
    {
        var weights = Tensors("model.safetensors");
        foreach (var (name, values) in Tensors("localiser.safetensors"))
            weights.Add(name, values);
        return new TrainingSession(Config(), name => weights[name], options);
    }

    /// <summary>Some rows of the batch; what is left of it stays empty.</summary>
    public static TrainingBatch Batch(TrainingSession session, TrainingLoss loss, bool hasColumns, int from = 0, int rows = Rows)
    {
        var batch = session.NewBatch();
        var config = session.Config;
        int labels = config.Labels.Count, size = config.MaxLength * config.NumMelBins;
        var groups = hasColumns ? config.Localiser!.Groups.Count : 0;
        for (var row = 0; row < rows; row++)
        {
            var i = from + row;
            Reference.Npy($"{Folder}/{Reference.Clips[i]}.input_values.npy").Values.CopyTo(batch.Inputs, row * size);
            float Target(int j) => ((7 * i) + (3 * j)) % 5 / Fifths;
            var sum = loss == TrainingLoss.CrossEntropy ? Enumerable.Range(0, labels).Sum(Target) : 1;
            for (var j = 0; j < labels; j++)
            {
                batch.Targets[(row * labels) + j] = Target(j) / sum;
                if (loss == TrainingLoss.BinaryCrossEntropy)
                    batch.Weights[(row * labels) + j] = (1f + ((i + j) % 3)) / (Rows * labels);
            }

            if (loss == TrainingLoss.CrossEntropy)
                batch.Weights[row] = (1f + i) / Rows;
            for (var c = 0; c < (hasColumns ? config.TimePatches : 0); c++)
                for (var g = 0; g < groups; g++)
                {
                    var at = (((row * config.TimePatches) + c) * groups) + g;
                    batch.ColumnTargets[at] = (i + c + g) % 2;
                    batch.ColumnWeights[at] = (i + g) % 3 / 50f;
                }
        }

        return batch;
    }

    /// <summary>‖a − b‖ / ‖b‖.</summary>
    public static double Error(IReadOnlyList<float> a, IReadOnlyList<float> b) =>
        Math.Sqrt(a.Zip(b).Sum(p => Math.Pow((double)p.First - p.Second, 2)) / b.Sum(v => (double)v * v));
}
