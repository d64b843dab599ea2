using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Model.Import;

/// <summary>
/// Writes checkpoints as Hugging Face folders that transformers opens: config.json, preprocessor_config.json, model.safetensors, and
/// parity.json beside them.
/// </summary>
public static class CheckpointImport
{
    /// <summary>Refuses a target that holds something, before any work is done.</summary>
    /// <exception cref="InvalidCheckpointException">It is a file, or not empty.</exception>
    public static void CheckTarget(string folder) => CheckpointFolder.CheckTarget(folder);

    /// <summary>
    /// Writes a checkpoint to a folder, its tensors by transformers' names and in their own types, with the logits of the parity check.
    /// </summary>
    /// <param name="source">An open checkpoint of any form.</param>
    /// <param name="folder">A folder that does not exist yet, or an empty one.</param>
    /// <param name="cacheFolder">The product's cache, for the graph that computes the logits.</param>
    /// <param name="progress">Told the share of the weights that is written, 0 to 1.</param>
    /// <exception cref="InvalidCheckpointException">The source is broken, or the folder is not empty.</exception>
    /// <exception cref="IOException">The folder can't be written; nothing is left there then.</exception>
    public static void Import(AstCheckpoint source, string folder, string cacheFolder, IProgress<double>? progress = null)
    {
        var tensors = AstTensors.Expected(source.Config)
            .Select(t => new TensorToWrite(t.Name, SafetensorsWriter.TypeOf(source.DType(t.Name)), t.Shape, () => source.Read(t.Name)))
                .ToList();
        Write(source, folder, tensors, cacheFolder, progress, aside =>
        {
            // They hold for these very weights.
            foreach (var file in source.Files?.Beside ?? [])
                File.Copy(file, Path.Combine(aside, Path.GetFileName(file)));
        });
    }

    /// <summary>Writes the mean of several checkpoints' weights, in float32: the AST authors' weight averaging.</summary>
    /// <param name="sources">Two or more checkpoints of one architecture; the first one's configuration is kept.</param>
    /// <param name="folder">A folder that does not exist yet, or an empty one.</param>
    /// <param name="cacheFolder">The product's cache.</param>
    /// <param name="progress">Told the share of the weights that is written, 0 to 1.</param>
    /// <exception cref="InvalidCheckpointException">They do not fit together, are broken, or the folder is not empty.</exception>
    /// <exception cref="IOException">The folder can't be written; nothing is left there then.</exception>
    public static void Average(IReadOnlyList<AstCheckpoint> sources, string folder, string cacheFolder, IProgress<double>? progress = null)
    {
        var first = sources[0];
        foreach (var other in sources.Skip(1))
        {
            var problem = other.Config with { Labels = first.Config.Labels, ProblemType = first.Config.ProblemType } != first.Config
                ? "another architecture"
                : !other.Config.Labels.SequenceEqual(first.Config.Labels) ? "other labels"
                : other.Extractor != first.Extractor ? "another mean, std or do_normalize"
                : null;
            if (problem is not null)
                throw new InvalidCheckpointException(
                    $"{other.Folder}: has {problem} than {first.Folder}; expected checkpoints of one training, whose weights can be "
                        + $"averaged");
        }

        var tensors = AstTensors.Expected(first.Config)
            .Select(t => new TensorToWrite(t.Name, ElementType.Float32, t.Shape, () => Mean(sources, t.Name))).ToList();
        Write(first, folder, tensors, cacheFolder, progress);
    }

    private static float[] Mean(IReadOnlyList<AstCheckpoint> sources, string name)
    {
        var sum = Array.ConvertAll(sources[0].Read(name), v => (double)v);
        foreach (var source in sources.Skip(1))
        {
            var values = source.Read(name);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += values[i];
        }

        return Array.ConvertAll(sum, v => (float)(v / sources.Count));
    }

    private static void Write(
        AstCheckpoint source, string folder, List<TensorToWrite> tensors, string cacheFolder, IProgress<double>? progress,
        Action<string>? besides = null)
    {
        // A folder's own configuration is copied as it is, with all that transformers may know and we do not.
        var config = source.Files is { } own ? File.ReadAllBytes(own.Config) : ConfigWriter.Config(source.Config, source.DTypes);
        var extractor = source.Files?.Extractor is { } file && Path.GetFileName(file) == CheckpointFolder.ExtractorFile
            ? File.ReadAllBytes(file) : ConfigWriter.Extractor(source.Config, source.Extractor);
        CheckpointFolder.Write(folder, config, extractor, tensors, aside =>
        {
            besides?.Invoke(aside);
            using var written = AstCheckpoint.Open(aside);
            ParityCheck.Write(written, Path.Combine(aside, ParityCheck.FileName), cacheFolder);
        }, progress);
    }
}
