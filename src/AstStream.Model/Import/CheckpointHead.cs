using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Model.Import;

/// <summary>Gives a checkpoint another head.</summary>
public static class CheckpointHead
{
    /// <summary>Makes what a head is given of an embedding: the classifier's LayerNorm; without a classifier, a plain one.</summary>
    public static Func<float[], float[]> Norm(AstCheckpoint checkpoint)
    {
        var (weights, bias) = NormWeights(checkpoint);
        var epsilon = checkpoint.Config.LayerNormEps;
        return embedding =>
        {
            var mean = embedding.Average(v => (double)v);
            var scale = 1 / Math.Sqrt(embedding.Average(v => (v - mean) * (v - mean)) + epsilon);
            return [.. embedding.Select((v, i) => (float)(((v - mean) * scale * weights[i]) + bias[i]))];
        };
    }

    /// <summary>A checkpoint's own head, for labels to be added to it.</summary>
    /// <exception cref="InvalidCheckpointException">It has none, or its scores depend on one another.</exception>
    public static ClassifierHead Read(AstCheckpoint checkpoint)
    {
        if (!checkpoint.HasHead)
            throw new InvalidCheckpointException($"{checkpoint.Folder}: has no classifier (ASTModel), and so no labels to keep");
        if (checkpoint.Config.DefaultActivation != ScoreActivation.Sigmoid)
            throw new InvalidCheckpointException(
                $"{checkpoint.Folder}: its scores depend on one another (softmax), so no label can be added beside them; replace its "
                    + "labels, or take a model with problem_type multi_label_classification");
        return new ClassifierHead(
            checkpoint.Config.Labels, checkpoint.Read(AstTensors.ClassifierDense + ".weight"),
            checkpoint.Read(AstTensors.ClassifierDense + ".bias"));
    }

    /// <summary>Writes a folder with a checkpoint's weights and another head.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="head">The head.</param>
    /// <param name="keepsLocaliser">Whether all of the checkpoint's labels are in the head, so that its localiser goes on.</param>
    /// <param name="folder">A folder that does not exist yet, or an empty one.</param>
    /// <param name="besides">Files that go in it besides, by name.</param>
    /// <param name="cacheFolder">The product's cache.</param>
    /// <exception cref="InvalidCheckpointException">The source is broken, or the folder is not empty.</exception>
    /// <exception cref="IOException">The folder can't be written; nothing is left there then.</exception>
    public static void Write(
        AstCheckpoint source, ClassifierHead head, bool keepsLocaliser, string folder, IReadOnlyDictionary<string, byte[]> besides,
        string cacheFolder)
    {
        var config = source.Config with
        {
            Labels = head.Labels,
            ProblemType = AstConfig.MultiLabel,
            Localiser = keepsLocaliser ? source.Config.Localiser : null,
        };
        var (norm, normBias) = NormWeights(source);
        Dictionary<string, float[]> own = new(StringComparer.Ordinal)
        {
            [AstTensors.ClassifierLayerNorm + ".weight"] = norm,
            [AstTensors.ClassifierLayerNorm + ".bias"] = normBias,
            [AstTensors.ClassifierDense + ".weight"] = [.. head.Weights],
            [AstTensors.ClassifierDense + ".bias"] = [.. head.Bias],
        };
        var tensors = AstTensors.Expected(config).Select(t => own.TryGetValue(t.Name, out var values)
            ? new TensorToWrite(t.Name, ElementType.Float32, t.Shape, () => values)
            : new TensorToWrite(t.Name, SafetensorsWriter.TypeOf(source.DType(t.Name)), t.Shape, () => source.Read(t.Name))).ToList();
        CheckpointFolder.Write(folder, Config(source, config), ConfigWriter.Extractor(config, source.Extractor), tensors, aside =>
        {
            foreach (var (name, bytes) in besides)
                File.WriteAllBytes(Path.Combine(aside, name), bytes);
            using var written = AstCheckpoint.Open(aside);
            ParityCheck.Write(written, Path.Combine(aside, ParityCheck.FileName), cacheFolder);
        }, progress: null);
    }

    /// <summary>The source's own configuration, with all that transformers may know and we do not, and the new labels in it.</summary>
    private static byte[] Config(AstCheckpoint source, AstConfig config)
    {
        var plain = ConfigWriter.Config(config, source.DTypes);
        if (source.Files is not { } files)
            return plain;
        var written = JsonNode.Parse(plain)!.AsObject();
        return ConfigEdit.Changed(File.ReadAllBytes(files.Config), files.Config, json =>
        {
            foreach (var key in (string[])["architectures", "id2label", "label2id", "problem_type"])
                json[key] = written[key]!.DeepClone();
            json.Remove("num_labels");
            if (config.Localiser is null)
                json.Remove("localiser");
        });
    }

    private static (float[] Weights, float[] Bias) NormWeights(AstCheckpoint checkpoint) => checkpoint.HasHead
        ? (checkpoint.Read(AstTensors.ClassifierLayerNorm + ".weight"), checkpoint.Read(AstTensors.ClassifierLayerNorm + ".bias"))
        : ([.. Enumerable.Repeat(1f, checkpoint.Config.HiddenSize)], new float[checkpoint.Config.HiddenSize]);
}
