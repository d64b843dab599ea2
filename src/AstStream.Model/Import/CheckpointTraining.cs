using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Model.Import;

/// <summary>Writes what a training made of a checkpoint.</summary>
public static class CheckpointTraining
{
    /// <summary>The architecture of a checkpoint with other labels.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="labels">The labels.</param>
    /// <param name="isMultiLabel">Whether they may sound together.</param>
    /// <param name="localiser">What says when they sound; null for nothing.</param>
    public static AstConfig Config(
        AstCheckpoint source, IReadOnlyList<string> labels, bool isMultiLabel, LocaliserConfig? localiser) =>
        source.Config with
        {
            Labels = labels,
            ProblemType = isMultiLabel ? AstConfig.MultiLabel : AstConfig.SingleLabel,
            Localiser = localiser,
        };

    /// <summary>Writes a folder with a checkpoint's weights, but for those that were trained.</summary>
    /// <param name="source">The checkpoint.</param>
    /// <param name="config">The architecture, with the labels that were trained; see <see cref="Config"/>.</param>
    /// <param name="trained">The weights that were trained, by name; they are written in float32.</param>
    /// <param name="folder">A folder that does not exist yet, or an empty one.</param>
    /// <param name="besides">Files that go in it besides, by name.</param>
    /// <param name="cacheFolder">The product's cache.</param>
    /// <exception cref="InvalidCheckpointException">The source is broken, or the folder is not empty.</exception>
    /// <exception cref="IOException">The folder can't be written; nothing is left there then.</exception>
    public static void Write(
        AstCheckpoint source, AstConfig config, IReadOnlyDictionary<string, float[]> trained, string folder,
        IReadOnlyDictionary<string, byte[]> besides, string cacheFolder)
    {
        var tensors = AstTensors.Expected(config).Select(t => trained.TryGetValue(t.Name, out var values)
            ? new TensorToWrite(t.Name, ElementType.Float32, t.Shape, () => values)
            : new TensorToWrite(t.Name, SafetensorsWriter.TypeOf(source.DType(t.Name)), t.Shape, () => source.Read(t.Name))).ToList();
        CheckpointFolder.Write(folder, Changed(source, config), ConfigWriter.Extractor(config, source.Extractor), tensors, aside =>
        {
            foreach (var (name, bytes) in besides)
                File.WriteAllBytes(Path.Combine(aside, name), bytes);
            using var written = AstCheckpoint.Open(aside);
            ParityCheck.Write(written, Path.Combine(aside, ParityCheck.FileName), cacheFolder);
        }, progress: null);
    }

    /// <summary>The source's own configuration, with all that transformers may know and we do not, and the new labels in it.</summary>
    private static byte[] Changed(AstCheckpoint source, AstConfig config)
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
            json.Remove("localiser");
            if (written["localiser"] is { } localiser)
                json["localiser"] = localiser.DeepClone();
        });
    }
}
