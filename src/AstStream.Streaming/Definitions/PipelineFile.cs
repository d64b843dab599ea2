using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>A pipeline definition as a tree of YAML nodes, with the places of its problems. --set arguments are laid over it.</summary>
internal sealed class PipelineFile
{
    private const int MaxBytes = 16 << 20; // tens of thousands of sources
    private const int MaxDepth = 24; // with those of stream and document

    private const string Expected = "expected a pipeline definition in YAML. For sound: aststream classify FILE says what is in a clip; "
        + "a pipeline whose source is {type: file, path: FILE or folder} finds events in it";

    private readonly string _path;
    private readonly ConfigProblems _problems;
    private readonly Dictionary<YamlNode, string> _overrides = new(ReferenceEqualityComparer.Instance);

    private PipelineFile(string path, ConfigProblems problems) => (_path, _problems) = (path, problems);

    public YamlNode Root { get; private set; } = new YamlMappingNode();

    public string FullPath => Path.GetFullPath(_path);

    public string BaseFolder => Path.GetDirectoryName(FullPath)!;

    public static PipelineFile Load(string path, IReadOnlyList<string> overrides, ConfigProblems problems)
    {
        var file = new PipelineFile(path, problems);
        string text;
        try
        {
            using var stream = File.OpenRead(path);
            var bytes = new byte[MaxBytes + 1]; // not by the file's length: a device has none
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (bytes.AsSpan(0, length).Contains((byte)0))
                throw file.Fatal(0, 0, $"is not text; {Expected}");
            if (length > MaxBytes)
                throw file.Fatal(0, 0, $"over {MaxBytes} bytes; is it a pipeline definition?");
            if (!Utf8.IsValid(bytes.AsSpan(0, length)))
                throw file.Fatal(0, 0, $"not valid UTF-8; {Expected}");
            using var reader = new StreamReader(new MemoryStream(bytes, 0, length));
            text = reader.ReadToEnd();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw file.Fatal(0, 0, "no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw file.Fatal(
                0, 0, Directory.Exists(path) ? $"is a folder; {Expected}" : $"can't be read: {e.Message}");
        }

        try
        {
            file.Root = Parse(text) ?? throw file.Fatal(1, 1, "the file is empty; expected model, sources and sinks");
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

    public void Problem(YamlNode node, string message) => _problems.Add(PlaceOf(node).Problem(message));

    public Place PlaceOf(YamlNode node) => _overrides.TryGetValue(node, out var setting)
        ? new Place($"--set {setting}", 0, 0) : new Place(_path, node.Start.Line, node.Start.Column);

    /// <summary>One YAML document, null where there is none.</summary>
    /// <remarks>
    /// The tree is built by recursion, and aliases can make it endless or huge: depth and aliases are checked on the parser's
    /// events first, which are not recursive.
    /// </remarks>
    internal static YamlNode? Parse(string text)
    {
        var depth = 0;
        var documents = 0;
        var parser = new Parser(new StringReader(text));
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > MaxDepth)
                throw new YamlException(parser.Current.Start, parser.Current.End, $"nested more than {MaxDepth} deep");
            if (parser.Current is AnchorAlias || (parser.Current is NodeEvent node && !node.Anchor.IsEmpty))
                throw new YamlException(
                    parser.Current.Start, parser.Current.End,
                    "anchors and aliases can't be used in a pipeline definition; write the values out");
            if (parser.Current is DocumentStart && ++documents > 1)
                throw new YamlException(parser.Current.Start, parser.Current.End, "a second YAML document; expected one");
        }

        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : null;
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
            value = Parse(setting[(split + 1)..]) ?? new YamlScalarNode("");
        }
        catch (YamlException e)
        {
            _problems.Add(
                new ConfigProblem($"--set {setting}", 0, 0, $"the value is not valid YAML: {e.InnerException?.Message ?? e.Message}"));
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
                _overrides.Add(at.Children[key] = at = new YamlMappingNode(), setting);
        }

        if (at is null)
            _problems.Add(new ConfigProblem($"--set {setting}", 0, 0, "leads through a value that is no mapping"));
        foreach (var node in value.AllNodes)
            _overrides.TryAdd(node, setting);
    }

    /// <summary>Where a full path leads, links followed.</summary>
    public static string RealPath(string path)
    {
        try
        {
            if (Path.GetDirectoryName(path) is not { } folder)
                return path; // the root folder, which is no file
            var real = Directory.Exists(folder) ? Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder : folder;
            var file = Path.Combine(real, Path.GetFileName(path));
            return File.Exists(file) ? File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file : file;
        }
        catch (IOException)
        {
            return path;
        }
    }

    private InvalidPipelineException Fatal(long line, long column, string message) =>
        new([new ConfigProblem(_path, line, column, message)]);
}
