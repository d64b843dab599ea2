using AstStream.Emulation;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.LoadTest;

/// <summary>Logit errors of a GPU's graphs, with its rounding emulated.</summary>
internal static class PrecisionTable
{
    private static readonly (ModelPrecision Precision, bool FoldNormalization)[] s_precisions =
        [
            (ModelPrecision.Float16, false), (ModelPrecision.Float16, true),
            (ModelPrecision.BFloat16, false), (ModelPrecision.Float32, false),
        ];

    /// <summary>Prints the table.</summary>
    /// <param name="models">Folders of checkpoints.</param>
    /// <param name="batch">Sounds in one batch.</param>
    public static void Run(IReadOnlyList<string> models, int batch)
    {
        var cache = Directory.CreateTempSubdirectory("aststream-precision-").FullName;
        Console.WriteLine("| model | tokens | layers | precision | attention | queries, keys, values | input | largest logit error |");
        Console.WriteLine("|---|---:|---:|---|---|---|---|---:|");
        foreach (var folder in models)
        {
            using var checkpoint = AstCheckpoint.Open(folder);
            var config = checkpoint.Config;
            var trial = new PrecisionTrial(checkpoint, config, cache, batch);
            foreach (var (precision, folds) in s_precisions)
            {
                foreach (var (attention, isPacked) in (
                    ReadOnlySpan<(AttentionImplementation, bool)>)[(AttentionImplementation.Sdpa, true),
                        (AttentionImplementation.Sdpa, false), (AttentionImplementation.Eager, false)])
                {
                    var error = trial.Error(new AstGraphOptions
                    {
                        Attention = attention,
                        Precision = precision,
                        PackQkv = isPacked,
                        FoldNormalization = folds
                    });
                    string[] cells =
                    [
                        checkpoint.Name, $"{config.Tokens}", $"{config.NumHiddenLayers}",
                        precision == ModelPrecision.Float32 ? "TF32" : precision.Word(), attention.Word(),
                        isPacked ? "one product" : "three", folds ? "log-mel" : "normalised",
                        FormattableString.Invariant($"{error:0.0000}"),
                    ];
                    Console.WriteLine($"| {string.Join(" | ", cells)} |");
                }
            }
        }

        Directory.Delete(cache, recursive: true);
    }
}
