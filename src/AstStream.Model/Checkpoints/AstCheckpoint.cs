using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// An AST's weights and configuration: a Hugging Face folder (config.json, preprocessor_config.json and model.safetensors or
/// pytorch_model.bin, or shards with an index; thresholds.json and views.json, if they are there), or a file of the AST authors' own. Every
/// name, shape and number is checked against the configuration. Weights come out as float32.
/// </summary>
public sealed class AstCheckpoint : IDisposable
{
    internal const string Expected = "expected a Hugging Face AST folder with config.json, preprocessor_config.json and model.safetensors";

    private readonly Dictionary<string, TensorSource> _tensors = new(StringComparer.Ordinal);
    private readonly List<ITensorFile> _files = [];
    private readonly List<string> _warnings = [];
    private byte[] _configHash = [];

    private AstCheckpoint(string folder) => Folder = folder;

    /// <summary>Where it lies: a folder, or the authors' file.</summary>
    public string Folder { get; }

    /// <summary>The folder's or file's own name.</summary>
    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(Folder));

    /// <summary>The architecture.</summary>
    public AstConfig Config { get; private set; } = null!;

    /// <summary>The feature extractor's numbers.</summary>
    public ExtractorConfig Extractor { get; private set; } = null!;

    /// <summary>
    /// The least scores at which each class is to be believed, by class index, where a thresholds.json lies beside the weights; else null.
    /// They are of the scores that <see cref="AstConfig.DefaultActivation"/> gives, 0 to 1, NaN for a class that the file does not name.
    /// </summary>
    public IReadOnlyList<float>? Thresholds { get; private set; }

    /// <summary>Named groups of its labels: those of the views.json beside the weights, and AudioSet's where it has those labels.</summary>
    public IReadOnlyDictionary<string, LabelView> Views { get; private set; } = new Dictionary<string, LabelView>();

    /// <summary>The view whose own classes have a name that is no label; null where none has.</summary>
    public string? ViewWith(string label) =>
        Config.Labels.Contains(label) ? null : Views.Values.FirstOrDefault(v => v.HasOwnClasses && v.Labels.Contains(label))?.Name;

    /// <summary>The view whose classes are its own now; null, unless one was taken.</summary>
    public LabelView? View { get; private set; }

    /// <summary>The labels that it was made with, whatever view was taken.</summary>
    internal IReadOnlyList<string> OwnLabels
    {
        get => field ?? Config.Labels;
        private set;
    }

    /// <summary>
    /// Of each label, the indices of those that mean the same sound: AudioSet's that do, and those that make one class of a view.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<int>> Related()
    {
        var related = AudioSet.Related(Config.Labels).Select(r => r.ToHashSet()).ToArray();
        foreach (var members in View is null ? Views.Values.SelectMany(v => v.Members) : [])
        {
            foreach (var member in members)
                related[member].UnionWith(members.Where(m => m != member));
        }

        return [.. related.Select(r => (IReadOnlyList<int>)[.. r.Order()])];
    }

    /// <summary>
    /// Of each class, the output of the <see cref="AstConfig.Localiser"/> that places it in time, -1 where none does; empty without a
    /// localiser.
    /// </summary>
    public IReadOnlyList<int> GroupOf() =>
        Config.Localiser?.GroupOf(View?.Members ?? [.. Config.Labels.Select((_, i) => (int[])[i])]) ?? [];

    /// <summary>Whether it has a classifier; an ASTModel has none, and gives its other outputs alone.</summary>
    public bool HasHead { get; private set; } = true;

    /// <summary>What was chosen, changed or left out, in words; empty where all was plain.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>What neither shapes nor flags tell of a file of weights alone, and was assumed, with the flag that gives it.</summary>
    public IReadOnlyList<string> Assumptions { get; private set; } = [];

    /// <summary>Whether it is a folder with its configuration in it.</summary>
    internal bool IsFolder => Files is not null;

    /// <summary>Where a folder's files lie; null for a file that is opened with flags.</summary>
    internal CheckpointFiles? Files { get; private init; }

    /// <summary>SHA-256 over the configuration, the extractor's numbers and the weights as they were read, in hexadecimal.</summary>
    public string Hash { get; private set; } = "";

    /// <summary>Number of weights.</summary>
    public long Parameters => AstTensors.Expected(Config, HasHead).Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));

    /// <summary>The weights' types in the files, for example "F32" or "F16".</summary>
    public string DTypes => string.Join(", ", _tensors.Keys.Select(DType).Distinct().Order(StringComparer.Ordinal));

    /// <summary>Number of tensors.</summary>
    public int TensorCount => _tensors.Count;

    /// <summary>
    /// Opens and checks a folder: one that transformers saved, a Trainer's output folder or its parent, or the .safetensors file in one.
    /// </summary>
    /// <exception cref="InvalidCheckpointException">Something is missing, broken or does not fit.</exception>
    public static AstCheckpoint Open(string folder) => OpenFolder(folder, needsHead: true);

    /// <summary>Opens and checks a folder, whose model may be without a classifier: for its other outputs.</summary>
    /// <exception cref="InvalidCheckpointException">Something is missing, broken or does not fit.</exception>
    public static AstCheckpoint OpenForOutputs(string folder) => OpenFolder(folder, needsHead: false);

    /// <summary>
    /// Opens and checks a file of weights alone, as the AST authors' own code or a training loop saves it: a state dict by their names or
    /// transformers', its configuration in part from the shapes.
    /// </summary>
    /// <param name="file">A .pth, .bin or .safetensors file.</param>
    /// <param name="options">What the shapes do not tell.</param>
    /// <exception cref="InvalidCheckpointException">Something is missing, broken or does not fit.</exception>
    public static AstCheckpoint OpenAuthors(
        string file, AuthorsOptions options) => Opened(new AstCheckpoint(file), needsHead: true, checkpoint =>
    {
        var tensors = OpenFile(file, checkpoint._files);
        foreach (var name in tensors.Tensors.Keys)
            checkpoint.Add(tensors, name);
        (checkpoint.Config, checkpoint.Extractor, checkpoint.Assumptions) = options.Infer(file, checkpoint._tensors);
        checkpoint._configHash = SHA256.HashData(ConfigWriter.Config(checkpoint.Config, "F32"));
    });

    /// <summary>The message for a folder that is not there.</summary>
    public static string NoFolder(string folder) => $"{folder}: no such folder; {Expected}";

    /// <summary>
    /// Gives it the classes of one of its <see cref="Views"/> in place of its own: a class's row of the classifier is the mean of its
    /// labels' rows, so that its logit is the mean of theirs. Once, and before anything is made of it.
    /// </summary>
    /// <param name="name">The view's name.</param>
    /// <param name="withOthers">Whether the labels that say something else stand after a view's own classes.</param>
    /// <exception cref="InvalidCheckpointException">There is no such view, its thresholds are broken, or scores depend on one
    /// another.</exception>
    public void Take(string name, bool withOthers = false)
    {
        if (!Views.TryGetValue(name, out var view))
            throw new InvalidCheckpointException($"{Folder}: has no view '{name}'; "
                + (Views.Count == 0 ? "it has none" : $"expected one of {string.Join(", ", Views.Keys.Order(StringComparer.Ordinal))}"));
        if (Config.DefaultActivation != ScoreActivation.Sigmoid)
            throw new InvalidCheckpointException($"{Folder}: a view needs scores that don't depend on one another (problem_type "
                + $"multi_label_classification)");
        var ofClasses = view.HasOwnClasses ? view.Labels.Count : 0;
        var own = ofClasses > 0 ? ConfigReader.ReadThresholds(Files!.ThresholdsOf(name), Config with { Labels = view.Labels }) : null;
        if (withOthers && view.HasOwnClasses)
            view = view.WithOthers(Config.Labels);
        float Threshold(int c) => c < ofClasses ? own?[c] ?? float.NaN : Thresholds?[view.Members[c][0]] ?? float.NaN;
        float[] thresholds = [.. view.Labels.Select((_, c) => Threshold(c))];
        (View, Thresholds, OwnLabels) = (view, Array.TrueForAll(thresholds, float.IsNaN) ? null : thresholds, Config.Labels);
        Config = Config with { Labels = view.Labels, ProblemType = AstConfig.MultiLabel };
        var rows = string.Join(';', view.Members.Select(m => string.Join(',', m)));
        Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{Hash} {rows}")));
    }

    /// <summary>Reads a tensor as float32, row-major in the shape that the checkpoint has.</summary>
    /// <exception cref="InvalidCheckpointException">A weight is not finite, or reading failed.</exception>
    public float[] Read(string name) => View is { } view && name.StartsWith(AstTensors.ClassifierDense, StringComparison.Ordinal)
        ? view.Means(ReadOwn(name), name.EndsWith(".bias", StringComparison.Ordinal) ? 1 : Config.HiddenSize) : ReadOwn(name);

    private float[] ReadOwn(string name) => _tensors.TryGetValue(name, out var source) ? source.Read()
        : new float[AstTensors.Expected(Config).First(t => t.Name == name).Shape.Aggregate(1, (a, b) => a * b)]; // no classifier: zeros

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    /// <summary>The type of a tensor in its file.</summary>
    internal string DType(string name) => _tensors[name].File.Tensors[_tensors[name].Name].DType;

    private static AstCheckpoint OpenFolder(string named, bool needsHead)
    {
        var files = CheckpointFiles.Find(named);
        return Opened(new AstCheckpoint(files.Folder) { Files = files }, needsHead, checkpoint =>
        {
            checkpoint._warnings.AddRange(files.Notes);
            checkpoint.Config = ConfigReader.ReadConfig(files.Config, out checkpoint._configHash, out var note);
            if (note is not null)
                checkpoint._warnings.Add($"{files.Config}: {note}");
            checkpoint.Extractor = ConfigReader.ReadExtractor(files.Extractor, checkpoint.Config);
            checkpoint.Thresholds = ConfigReader.ReadThresholds(files.Thresholds, checkpoint.Config);
            checkpoint.Views = ViewReader.Read(files.Views, checkpoint.Config);
            if (files.IsSharded)
            {
                checkpoint.OpenShards(files.Weights);
                return;
            }

            var file = OpenFile(files.Weights, checkpoint._files);
            foreach (var tensor in file.Tensors.Keys)
                checkpoint.Add(file, tensor);
        });
    }

    private static AstCheckpoint Opened(AstCheckpoint checkpoint, bool needsHead, Action<AstCheckpoint> open)
    {
        try
        {
            open(checkpoint);
            checkpoint.CheckTensors(needsHead);
            checkpoint.Hash = checkpoint.ComputeHash();
            return checkpoint;
        }
        catch (Exception e)
        {
            checkpoint.Dispose();

            // The JSON reader's word for text with half a surrogate pair in it.
            if (e is InvalidOperationException)
                throw new InvalidCheckpointException($"{checkpoint.Folder}: a JSON file or header holds text that is not valid Unicode");
            throw;
        }
    }

    private void OpenShards(string index)
    {
        using var json = ConfigReader.Parse(index, out _);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw new InvalidCheckpointException($"{index}: no weight_map; expected an object from tensor name to file name");
        var shards = new Dictionary<string, ITensorFile>(StringComparer.Ordinal);
        var ending = index.EndsWith(CheckpointFiles.BinFile + CheckpointFiles.Index, StringComparison.Ordinal) ? ".bin" : ".safetensors";
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";

            // A shard lies beside its index: a path that leaves the folder is not followed.
            if (shard.Length == 0 || shard != Path.GetFileName(shard) || !shard.EndsWith(ending, StringComparison.Ordinal))
                throw new InvalidCheckpointException(
                    $"{index}: {entry.Name}: found {entry.Value.GetRawText()}; expected the name of a {ending} file in the same folder");
            if (!shards.TryGetValue(shard, out var file))
                shards.Add(shard, file = OpenFile(Path.Combine(Folder, shard), _files));
            if (!file.Tensors.ContainsKey(entry.Name))
                throw new InvalidCheckpointException(
                    $"{file.Path}: tensor {entry.Name} is missing; {Path.GetFileName(index)} says that it is here");
            if (!seen.Add(entry.Name))
                throw new InvalidCheckpointException($"{index}: {entry.Name} stands twice");
            Add(file, entry.Name);
        }
    }

    private static ITensorFile OpenFile(string path, List<ITensorFile> files)
    {
        if (ForeignFile.What(path) is { } what)
            throw new InvalidCheckpointException($"{path}: {what}");
        ITensorFile file = path.EndsWith(".safetensors", StringComparison.Ordinal) ? new SafetensorsFile(path) : new TorchFile(path);
        files.Add(file);
        return file;
    }

    /// <summary>Takes a tensor of a file for what its name says, in any of the spellings.</summary>
    private void Add(ITensorFile file, string name)
    {
        foreach (var (ours, third) in TensorNames.Of(name))
        {
            if (!_tensors.TryAdd(ours, new TensorSource(file, name, third)))
                throw new InvalidCheckpointException($"{file.Path}: tensor {name} is {ours}, which {_tensors[ours].Name} is already");
        }
    }

    private void CheckTensors(bool needsHead)
    {
        const int most = 12; // problems listed; the rest are counted
        HasHead = AstTensors.Head(Config).Any(t => _tensors.ContainsKey(t.Name));
        if (!HasHead && needsHead && _tensors.ContainsKey(AstTensors.ClsToken))
            throw new InvalidCheckpointException($"{Folder}: is a model without a classifier (ASTModel), which gives no classes; "
                + $"aststream outputs gives its pooler_output and the others. Expected an ASTForAudioClassification");
        var problems = new List<string>();
        var asks = IsFolder ? "config.json asks" : "the flags and the other shapes ask";
        var expected = AstTensors.Expected(Config, HasHead).ToDictionary(t => t.Name, t => t.Shape, StringComparer.Ordinal);
        var missing = 0;
        foreach (var (name, shape) in expected)
        {
            if (!_tensors.TryGetValue(name, out var source))
            {
                missing++;
                problems.Add($"{Folder}: tensor {name} is missing; {asks} for it with shape [{string.Join(", ", shape)}]");
            }
            else if (!source.Shape.AsSpan().SequenceEqual(shape))
            {
                problems.Add(
                    $"{source.File.Path}: tensor {source.Name} has shape [{string.Join(", ", source.Shape)}]; {asks} for "
                        + $"[{string.Join(", ", shape)}]{source.Hint}");
            }
            else if (DType(name) is not ("F32" or "F16" or "BF16" or "F64") and var dtype)
            {
                problems.Add($"{source.File.Path}: tensor {source.Name} has {dtype} numbers; expected floating-point weights");
            }
        }

        // More layers than the configuration has are a mistake; what is no part of an AST at all is somebody else's business.
        var others = _tensors.Where(t => !expected.ContainsKey(t.Key)).ToList();
        problems.AddRange(others.Where(t => t.Key.StartsWith(AstTensors.Layers, StringComparison.Ordinal))
            .Select(t =>
                $"{t.Value.File.Path}: tensor {t.Value.Name} is not part of the model that "
                    + $"{(IsFolder ? "config.json describes" : "the flags and shapes describe")}"));
        if (problems.Count > 0 && IsFolder && Config.Labels is ["LABEL_0", "LABEL_1"])
            problems.Add($"{Files!.Config}: has no id2label, so two labels are assumed, as transformers does");
        if (missing > 0)
            problems.Insert(0, Found());
        if (problems.Count > most)
            problems = [.. problems.Take(most), $"{Folder}: and {problems.Count - most} more problems of this kind"];
        if (problems.Count > 0)
            throw new InvalidCheckpointException(string.Join('\n', problems));
        if (others.Count > 0)
            _warnings.Add($"{Folder}: holds tensors that no AST has, which are left out: {Some(others.Select(t => t.Value.Name))}");
    }

    /// <summary>The names that were found, which tell who wrote the file better than those that were not.</summary>
    private string Found() => _tensors.Count == 0
        ? $"{Folder}: holds no tensors"
        : $"{_files[0].Path}: holds {_files.Sum(f => f.Tensors.Count)} tensors: {Some(_files.SelectMany(f => f.Tensors.Keys))}";

    private static string Some(IEnumerable<string> names)
    {
        const int most = 4;
        var all = names.ToList();
        return string.Join(", ", all.Take(most)) + (all.Count > most ? $" and {all.Count - most} more" : "");
    }

    private string ComputeHash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_configHash);

        // They are in the graph's weights too.
        hash.AppendData(
            Encoding.ASCII.GetBytes(FormattableString.Invariant($"{Extractor.Mean:R} {Extractor.Std:R} {Extractor.DoNormalize}")));
        foreach (var file in _files)
            file.AddTo(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
