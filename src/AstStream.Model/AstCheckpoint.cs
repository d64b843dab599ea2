using System.Security.Cryptography;
using System.Text.Json;

namespace AstStream.Model;

/// <summary>
/// A Hugging Face AST folder: config.json, preprocessor_config.json and model.safetensors (or shards with an index), every
/// name, shape and number of it checked against the configuration. Weights come out as float32.
/// </summary>
public sealed class AstCheckpoint : IDisposable
{
    internal const string Expected = "expected a Hugging Face AST folder with config.json, preprocessor_config.json and model.safetensors";

    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> _tensors = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];
    private readonly byte[] _configHash;

    private AstCheckpoint(string folder)
    {
        Folder = folder;
        Config = ConfigReader.ReadConfig(Path.Combine(folder, "config.json"), out _configHash);
        Extractor = ConfigReader.ReadExtractor(Path.Combine(folder, "preprocessor_config.json"), Config);
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>The architecture.</summary>
    public AstConfig Config { get; }

    /// <summary>The feature extractor's numbers.</summary>
    public ExtractorConfig Extractor { get; }

    /// <summary>SHA-256 over the configuration and the weights as they were read, in hexadecimal.</summary>
    public string Hash { get; private set; } = "";

    /// <summary>Number of weights.</summary>
    public long Parameters => AstTensors.Expected(Config).Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));

    /// <summary>The weights' types in the files, for example "F32" or "F16".</summary>
    public string DTypes => string.Join(", ", _tensors.Select(t => t.Value.Tensors[t.Key].DType).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Number of tensors.</summary>
    public int TensorCount => _tensors.Count;

    /// <summary>Opens and checks a folder.</summary>
    /// <exception cref="InvalidCheckpointException">Something is missing, broken or does not fit.</exception>
    public static AstCheckpoint Open(string folder)
    {
        if (File.Exists(folder))
            throw new InvalidCheckpointException($"{folder}: is a file; {Expected}");
        if (!Directory.Exists(folder))
            throw new InvalidCheckpointException(NoFolder(folder));
        AstCheckpoint? checkpoint = null;
        try
        {
            checkpoint = new AstCheckpoint(folder);
            checkpoint.OpenFiles();
            checkpoint.CheckTensors();
            checkpoint.Hash = checkpoint.ComputeHash();
            return checkpoint;
        }
        catch (Exception e)
        {
            checkpoint?.Dispose();

            // The JSON reader's word for text with half a surrogate pair in it.
            if (e is InvalidOperationException)
                throw new InvalidCheckpointException($"{folder}: a JSON file or header holds text that is not valid Unicode");
            throw;
        }
    }

    /// <summary>The message for a folder that is not there.</summary>
    public static string NoFolder(string folder) => $"{folder}: no such folder; {Expected}";

    /// <summary>Reads a tensor as float32, row-major in the shape that the checkpoint has.</summary>
    /// <exception cref="InvalidCheckpointException">A weight is not finite, or reading failed.</exception>
    public float[] Read(string name) => _tensors[name].Read(name);

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private void OpenFiles()
    {
        var index = Path.Combine(Folder, IndexFile);
        if (File.Exists(Path.Combine(Folder, SingleFile)))
        {
            var file = Add(SingleFile);
            foreach (var name in file.Tensors.Keys)
                _tensors.Add(name, file);
        }
        else if (File.Exists(index))
        {
            OpenShards(index);
        }
        else
        {
            var hint = File.Exists(Path.Combine(Folder, "pytorch_model.bin")) ? "; there is a pytorch_model.bin: save the model again with safe_serialization=True" : "";
            throw new InvalidCheckpointException($"{Folder}: no {SingleFile} and no {IndexFile}{hint}");
        }
    }

    private void OpenShards(string index)
    {
        using var json = ConfigReader.Parse(index, out _);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new InvalidCheckpointException($"{index}: no weight_map; expected an object from tensor name to file name");
        var shards = new Dictionary<string, SafetensorsFile>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";

            // A shard lies beside its index: a path that leaves the folder is not followed.
            if (shard.Length == 0 || shard != Path.GetFileName(shard) || !shard.EndsWith(".safetensors", StringComparison.Ordinal))
                throw new InvalidCheckpointException($"{index}: {entry.Name}: found {entry.Value.GetRawText()}; expected the name of a .safetensors file in the same folder");
            if (!shards.TryGetValue(shard, out var file))
                shards.Add(shard, file = Add(shard));
            if (!file.Tensors.ContainsKey(entry.Name))
                throw new InvalidCheckpointException($"{file.Path}: tensor {entry.Name} is missing; {IndexFile} says that it is here");
            if (!_tensors.TryAdd(entry.Name, file))
                throw new InvalidCheckpointException($"{index}: {entry.Name} stands twice");
        }
    }

    private SafetensorsFile Add(string name)
    {
        var file = new SafetensorsFile(Path.Combine(Folder, name));
        _files.Add(file);
        return file;
    }

    private void CheckTensors()
    {
        const int most = 12; // problems listed; the rest are counted
        var problems = new List<string>();
        var expected = AstTensors.Expected(Config).ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        foreach (var (name, shape) in expected)
        {
            if (!_tensors.TryGetValue(name, out var file))
                problems.Add($"{Folder}: tensor {name} is missing; config.json asks for it with shape [{string.Join(", ", shape)}]");
            else if (!file.Tensors[name].Shape.AsSpan().SequenceEqual(shape))
                problems.Add($"{file.Path}: tensor {name} has shape [{string.Join(", ", file.Tensors[name].Shape)}]; config.json asks for [{string.Join(", ", shape)}]");
        }

        problems.AddRange(_tensors.Where(t => !expected.ContainsKey(t.Key))
            .Select(t => $"{t.Value.Path}: tensor {t.Key} is not part of the model that config.json describes"));
        if (problems.Count > 0 && Config.Labels is ["LABEL_0", "LABEL_1"])
            problems.Add($"{Path.Combine(Folder, "config.json")}: has no id2label, so two labels are assumed, as transformers does");
        if (problems.Count > most)
            problems = [.. problems.Take(most), $"{Folder}: and {problems.Count - most} more problems of this kind"];
        if (problems.Count > 0)
            throw new InvalidCheckpointException(string.Join('\n', problems));
    }

    private string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_configHash);
        foreach (var file in _files)
            hash.AppendData(file.ComputeHash());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
