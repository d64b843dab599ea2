using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// Reads one mapping of a pipeline definition by its keys. Every problem is noted with its place, and reading goes on, so that
/// all are reported at once.
/// </summary>
public sealed class SectionReader
{
    private readonly PipelineFile _file;
    private readonly YamlNode _node;
    private readonly string _path;
    private readonly IReadOnlyCollection<Key> _keys;
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, YamlNode> _nodes = new(StringComparer.Ordinal);

    internal SectionReader(PipelineFile file, YamlNode node, string path, IReadOnlyCollection<Key> keys)
    {
        _file = file;
        _path = path;
        _node = node;
        _keys = keys;
        foreach (var (name, keyNode, value) in file.Entries(node, path.Length == 0 ? "the pipeline" : path))
        {
            var key = keys.FirstOrDefault(k => k.Name == name);
            if (key is null)
            {
                Problem(keyNode, $"unknown key '{Path(name)}'{Nearest.Hint(name, [.. keys.Select(k => k.Name)])}");
                continue;
            }

            _nodes[name] = value;
            if (key.Read(value, this) is { } read)
                _values[name] = read;
        }

        foreach (var key in keys.Where(k => k.Required && !_nodes.ContainsKey(k.Name)))
            Problem(node, $"{(path.Length == 0 ? "the pipeline" : path)}: key '{key.Name}' is missing: {key.Doc}");
    }

    /// <summary>The folder that relative paths in the definition start from: the definition's own.</summary>
    public string BaseFolder => _file.BaseFolder;

    /// <summary>The value of a key, or its fallback.</summary>
    public T Get<T>(Key<T> key) => _values.TryGetValue(key.Name, out var value) ? (T)value : key.Fallback;

    /// <summary>Whether the key stands in the definition.</summary>
    public bool Has(Key key) => _nodes.ContainsKey(key.Name);

    /// <summary>Notes a problem with a key's value.</summary>
    public void Problem(Key key, string message) => Problem(_nodes.GetValueOrDefault(key.Name, _node), $"{Path(key.Name)}: {message}");

    /// <summary>A path of the definition as a full path.</summary>
    public string Resolve(string path) => System.IO.Path.GetFullPath(path, BaseFolder);

    /// <summary>Where a path of the definition leads, links followed, so that two names of one file are known as one.</summary>
    public string ResolveLinks(string path) => RealPath(path, BaseFolder);

    /// <summary>Where a path from a folder leads, links followed, so that two names of one file are known as one.</summary>
    public static string RealPath(string path, string folder) => PipelineFile.RealPath(System.IO.Path.GetFullPath(path, folder));

    /// <summary>Labels that a key names, which a model must have.</summary>
    public LabelClaim Labels(Key<IReadOnlyList<string>?> key) => new(Places, key, Get(key) ?? []);

    /// <summary>Where the section and its keys stand.</summary>
    internal SectionPlaces Places => new(
        _path, _file.PlaceOf(_node), _nodes.ToDictionary(n => n.Key, n => _file.PlaceOf(n.Value), StringComparer.Ordinal));

    /// <summary>
    /// Equal for sections whose keys have the same values, given or by default, but for some keys. A hash: values may be secrets, and may
    /// have changed where they stand outside of the file.
    /// </summary>
    internal string Fingerprint(params Key[] except)
    {
        var text = new StringBuilder();
        foreach (var key in _keys.Except(except))
            text.Append(key.Name).Append(':').Append(key.Canonical(_values.GetValueOrDefault(key.Name))).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }

    /// <summary>A mapping that is the value of a key.</summary>
    internal SectionReader Nested(YamlNode node, string key, IReadOnlyCollection<Key> keys) => new(_file, node, Path(key), keys);

    /// <summary>Named mappings with the same keys, which are the value of a key.</summary>
    internal List<NamedReader> Named(YamlNode node, string key, IReadOnlyCollection<Key> keys) =>
        [.. NamedSection.Of(_file, node, Path(key)).Select(
            n => new NamedReader(n.Name, new SectionReader(_file, n.Value, Path($"{key}.{n.Name}"), keys)))];

    /// <summary>Named mappings with a type each, which are the value of a key.</summary>
    internal List<TypedReader<T>> Components<T>(YamlNode node, string key, IReadOnlyList<T> types)
        where T : ComponentType
    {
        var (byName, read) = (types.ToDictionary(t => t.Type, StringComparer.Ordinal), new List<TypedReader<T>>());
        foreach (var named in NamedSection.Of(_file, node, Path(key)))
        {
            var path = Path($"{key}.{named.Name}");
            if (named.TypeOf(_file, path, byName) is { } type)
                read.Add(new TypedReader<T>(
                    named.Name, type, new SectionReader(_file, named.Value, path, [PipelineKeys.Type, .. type.Keys])));
        }

        return read;
    }

    /// <summary>The sections of a list.</summary>
    internal IReadOnlyList<SectionReader> Sections(Key<YamlNode?> key, IReadOnlyCollection<Key> keys)
    {
        if (Get(key) is not { } node)
            return [];
        if (node is YamlSequenceNode { Children.Count: > 0 } list)
            return [.. list.Children.Select((c, i) => new SectionReader(_file, c, $"{Path(key.Name)}[{i}]", keys))];
        Problem(key, $"found {(node is YamlSequenceNode ? "an empty list" : Kind(node))}; expected a list of mappings");
        return [];
    }

    /// <summary>The section itself.</summary>
    internal YamlNode Node => _node;

    /// <summary>Where it stands in the definition.</summary>
    internal string Name => _path;

    internal YamlNode NodeOf(Key key) => _nodes.GetValueOrDefault(key.Name, _node);

    internal string Path(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    internal void Problem(YamlNode node, string message) => _file.Problem(node, message);

    internal string? Scalar(YamlNode node, string key, string expected)
    {
        if (node is YamlScalarNode { Value: { Length: > 0 } text } && !IsNothing(node) && !text.Contains('\0', StringComparison.Ordinal))
            return Expansion.Expand(text, BaseFolder, problem => Problem(node, $"{Path(key)}: {problem}"));
        Problem(node, $"{Path(key)}: found {Kind(node)}; expected {expected}");
        return null;
    }

    internal double? Number(YamlNode node, string key, double min, double max, bool whole = false)
    {
        var expected = string.Create(CultureInfo.InvariantCulture, $"a {(whole ? "whole " : "")}number from {min} to {max}");
        if (Scalar(node, key, expected) is not { } text)
            return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            && (!whole || number == Math.Floor(number)))
            return number;
        Problem(node, $"{Path(key)}: found '{text}'; expected {expected}");
        return null;
    }

    internal string? Choice(YamlNode node, string key, string[] choices)
    {
        if (Scalar(node, key, $"one of {string.Join(", ", choices)}") is not { } text)
            return null;
        if (choices.Contains(text))
            return text;
        Problem(node, $"{Path(key)}: found '{text}'{Nearest.Hint(text, choices)}");
        return null;
    }

    /// <summary>The certificates of a PEM file.</summary>
    internal X509Certificate2Collection? Certificates(YamlNode node, string key)
    {
        if (Scalar(node, key, "the path of a PEM file") is not { } path)
            return null;
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPemFile(Resolve(path));
            if (certificates.Count > 0)
                return certificates;
            Problem(node, $"{Path(key)}: '{path}' holds no certificate; expected a PEM file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            Problem(node, $"{Path(key)}: '{path}' can't be read: {e.Message}");
        }

        return null;
    }

    /// <summary>A whole number from 0, or null for the word (and where it is neither, which is a problem).</summary>
    internal int? WordOrIndex(YamlNode node, string key, string word)
    {
        var expected = $"{word} or a whole number from 0";
        if (Scalar(node, key, expected) is not { } text || text == word)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return index;
        Problem(node, $"{Path(key)}: found '{text}'; expected {expected}");
        return null;
    }

    internal List<string>? List(YamlNode node, string key, string[]? choices = null)
    {
        var items = node is YamlSequenceNode sequence ? (IEnumerable<YamlNode>)sequence.Children : [node];
        var list = new List<string>();
        foreach (var item in items)
        {
            if ((choices is null ? Scalar(item, key, "a text or a list of texts") : Choice(item, key, choices)) is { } text)
                list.Add(text);
        }

        if (node is YamlSequenceNode { Children.Count: 0 })
            Problem(node, $"{Path(key)}: the list is empty; expected at least one entry");
        return list.Count > 0 ? list : null;
    }

    /// <summary>A list of whole numbers; a single number stands for the powers of two below it and itself.</summary>
    internal List<int>? Integers(YamlNode node, string key, int min, int max)
    {
        if (node is YamlSequenceNode sequence)
        {
            if (sequence.Children.Count == 0)
                Problem(node, $"{Path(key)}: the list is empty; expected at least one entry");
            List<int> list = [.. sequence.Children.Select(c => Number(c, key, min, max, whole: true))
                .Where(n => n is not null).Select(n => (int)n!)];
            return list.Count > 0 ? list : null;
        }

        if (Number(node, key, min, max, whole: true) is not { } single)
            return null;
        var numbers = new List<int>();
        for (var n = 1; n < (int)single; n *= 2)
            numbers.Add(n);
        numbers.Add((int)single);
        return numbers;
    }

    internal Dictionary<string, double>? Numbers(YamlNode node, string key, double min, double max)
    {
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, _, value) in _file.Entries(node, Path(key)))
        {
            if (Number(value, $"{key}.{name}", min, max) is { } number)
                numbers[name] = number;
        }

        return numbers;
    }

    internal Dictionary<string, string>? Mapping(YamlNode node, string key)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, _, value) in _file.Entries(node, Path(key)))
        {
            if (Scalar(value, $"{key}.{name}", "text") is { } text)
                texts[name] = text;
        }

        return texts;
    }

    /// <summary>YAML's null, or an empty text, which no key takes.</summary>
    private static bool IsNothing(YamlNode node) =>
        node is YamlScalarNode { Value: null or "" } or YamlScalarNode
        {
            Style: ScalarStyle.Plain,
            Value: "null" or "Null" or "NULL" or "~"
        };

    internal static string Kind(YamlNode node) => node switch
    {
        YamlMappingNode => "a mapping",
        YamlSequenceNode => "a list",
        YamlScalarNode when IsNothing(node) => "nothing",
        YamlScalarNode scalar => $"'{scalar.Value}'",
        _ => "an alias",
    };
}
