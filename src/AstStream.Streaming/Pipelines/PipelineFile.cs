using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>A pipeline definition as a tree of YAML nodes, with the places of its problems. --set arguments are laid over it.</summary>
internal sealed class PipelineFile
{
    private const long MaxBytes = 1 << 20;

    private readonly string _path;
    private readonly List<ConfigProblem> _problems = [];
    private readonly Dictionary<YamlNode, string> _overrides = new(ReferenceEqualityComparer.Instance);

    private PipelineFile(string path) => _path = path;

    public YamlNode Root { get; private set; } = new YamlMappingNode();

    public string BaseFolder => Path.GetDirectoryName(Path.GetFullPath(_path))!;

    public static PipelineFile Load(string path, IReadOnlyList<string> overrides)
    {
        var file = new PipelineFile(path);
        string text;
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxBytes)
                throw file.Fatal(0, 0, $"{length} bytes; expected a pipeline definition of at most {MaxBytes}");
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw file.Fatal(0, 0, "no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw file.Fatal(0, 0, Directory.Exists(path) ? "is a folder; expected a pipeline definition in YAML" : $"can't be read: {e.Message}");
        }

        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            if (yaml.Documents.Count != 1)
                throw file.Fatal(1, 1, yaml.Documents.Count == 0 ? "the file is empty; expected model, sources and sinks" : $"{yaml.Documents.Count} YAML documents; expected one");
            file.Root = yaml.Documents[0].RootNode;
        }
        catch (YamlException e)
        {
            throw file.Fatal(e.Start.Line, e.Start.Column, $"not valid YAML: {e.InnerException?.Message ?? e.Message}");
        }

        foreach (var setting in overrides)
            file.Override(setting);
        return file;
    }

    /// <summary>The entries of a mapping; anything else is a problem and has none.</summary>
    public IEnumerable<(string Name, YamlNode Key, YamlNode Value)> Entries(YamlNode node, string path)
    {
        if (node is YamlMappingNode mapping)
        {
            foreach (var (key, value) in mapping.Children)
            {
                if (key is YamlScalarNode { Value: { Length: > 0 } name })
                    yield return (name, key, value);
                else
                    Problem(key, $"{path}: found {SectionReader.Kind(key)} as a key; expected a name");
            }
        }
        else
        {
            Problem(node, $"{path}: found {SectionReader.Kind(node)}; expected a mapping of keys to values");
        }
    }

    public void Problem(YamlNode node, string message) => _problems.Add(
        _overrides.TryGetValue(node, out var setting) ? new ConfigProblem($"--set {setting}", 0, 0, message) : new ConfigProblem(_path, node.Start.Line, node.Start.Column, message));

    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw new InvalidPipelineException([.. _problems.OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }

    /// <summary>key.key.key=value: the value is YAML; mappings on the way are made where they are missing.</summary>
    private void Override(string setting)
    {
        var split = setting.IndexOf('=', StringComparison.Ordinal);
        var keys = split > 0 ? setting[..split].Split('.') : [];
        if (keys.Length == 0 || keys.Any(k => k.Length == 0))
        {
            _problems.Add(new ConfigProblem($"--set {setting}", 0, 0, "expected key=value, for example events.threshold=0.4"));
            return;
        }

        YamlNode value;
        try
        {
            var yaml = new YamlStream();
            yaml.Load(new StringReader(setting[(split + 1)..]));
            value = yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : new YamlScalarNode("");
        }
        catch (YamlException e)
        {
            _problems.Add(new ConfigProblem($"--set {setting}", 0, 0, $"the value is not valid YAML: {e.InnerException?.Message ?? e.Message}"));
            return;
        }

        var at = Root as YamlMappingNode;
        for (var i = 0; i < keys.Length && at is not null; i++)
        {
            var key = at.Children.Keys.FirstOrDefault(k => k is YamlScalarNode s && s.Value == keys[i]);
            if (key is null)
                _overrides.Add(key = new YamlScalarNode(keys[i]), setting);
            if (i == keys.Length - 1)
                at.Children[key] = value;
            else if (at.Children.TryGetValue(key, out var next))
                at = next as YamlMappingNode;
            else
                at.Children[key] = at = new YamlMappingNode();
            if (i < keys.Length - 1 && at is not null && at.Start.Line == 0)
                _overrides.TryAdd(at, setting);
        }

        if (at is null)
            _problems.Add(new ConfigProblem($"--set {setting}", 0, 0, "leads through a value that is no mapping"));
        foreach (var node in value.AllNodes)
            _overrides.TryAdd(node, setting);
    }

    private InvalidPipelineException Fatal(long line, long column, string message) => new([new ConfigProblem(_path, line, column, message)]);
}
