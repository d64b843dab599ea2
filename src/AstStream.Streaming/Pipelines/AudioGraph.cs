using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>The part of a pipeline before the model: sources, transforms, and who listens to whom.</summary>
internal sealed partial class AudioGraph
{
    /// <summary>What a component may be called.</summary>
    public const string NamePatternText = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}";

    private const int MaxComponents = 256;

    private static readonly string[] s_reserved = ["batch", "model", "events", "tee"];

    private readonly List<Component> _components = [];
    private readonly Dictionary<string, string> _reads = new(StringComparer.Ordinal);

    /// <summary>The files that sources read, and which source does.</summary>
    public IReadOnlyDictionary<string, string> Reads => _reads;

    public IReadOnlySet<string> Names => _components.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);

    public static AudioGraph Read(PipelineFile file, SectionReader root, SectionReader model, ComponentCatalog catalog)
    {
        var graph = new AudioGraph();
        graph.ReadSources(file, root, catalog);
        graph.ReadTransforms(file, root);
        graph.Connect(file, model);
        return graph;
    }

    /// <summary>Adds the nodes up to the model's inputs; <paramref name="heard"/> is told of each edge that ends there.</summary>
    public void AddNodes(List<Node> nodes, int capacity, RunReport report, CancellationToken stop, Action<string, Edge<AudioBlock>> heard)
    {
        var inputs = _components.Where(c => c.Source is null).ToDictionary(c => c.Name, c => new Edge<AudioBlock>(c.Name, capacity), StringComparer.Ordinal);
        foreach (var component in _components)
        {
            var reader = _components.FirstOrDefault(c => c.Inputs.Contains(component.Name));
            var edge = reader is null ? new Edge<AudioBlock>($"resample({component.Name})", capacity) : inputs[reader.Name];
            if (component.Source is { } source)
            {
                var node = new SourceNode(component.Name, source, report, stop);
                node.ConnectTo(edge);
                nodes.Add(node);
            }
            else
            {
                var node = new GainNode(component.Name, inputs[component.Name], component.Gain);
                node.ConnectTo(edge);
                nodes.Add(node);
            }

            if (reader is null)
                heard(component.Name, edge);
        }
    }

    /// <summary>The named components of one section, their names checked.</summary>
    public static IEnumerable<(string Name, YamlNode Key, YamlNode Value)> Components(PipelineFile file, SectionReader root, Key<YamlNode?> key, string section)
    {
        if (root.Get(key) is not { } node)
            yield break;
        var count = 0;
        foreach (var (name, keyNode, value) in file.Entries(node, section))
        {
            if (++count > MaxComponents)
            {
                file.Problem(keyNode, $"{section}: more than {MaxComponents} entries");
                yield break;
            }

            if (!NamePattern().IsMatch(name) || s_reserved.Contains(name))
                file.Problem(keyNode, $"{section}.{name}: not a name that can be used; expected letters, digits, '-' and '_', and none of {string.Join(", ", s_reserved)}");
            else
                yield return (name, keyNode, value);
        }

        if (count == 0 && node is YamlMappingNode && key.Required)
            file.Problem(node, $"{section}: is empty; expected at least one entry");
    }

    /// <summary>The type that a component names; a problem where it names none or an unknown one.</summary>
    public static T? TypeOf<T>(PipelineFile file, YamlNode node, string path, IReadOnlyDictionary<string, T> types)
        where T : class
    {
        if (node is not YamlMappingNode mapping)
        {
            file.Problem(node, $"{path}: found {SectionReader.Kind(node)}; expected a mapping with a 'type'");
            return null;
        }

        var entry = mapping.Children.FirstOrDefault(c => c.Key is YamlScalarNode { Value: "type" });
        if (entry.Value is YamlScalarNode { Value: { Length: > 0 } name })
        {
            if (types.TryGetValue(name, out var type))
                return type;
            file.Problem(entry.Value, $"{path}.type: unknown type '{name}'{Nearest.Hint(name, [.. types.Keys])}");
            return null;
        }

        file.Problem(entry.Value ?? node, $"{path}: key 'type' is missing; expected one of {string.Join(", ", types.Keys)}");
        return null;
    }

    private void ReadSources(PipelineFile file, SectionReader root, ComponentCatalog catalog)
    {
        var types = catalog.Sources.ToDictionary(t => t.Type, StringComparer.Ordinal);
        foreach (var (name, key, value) in Components(file, root, PipelineKeys.Sources, "sources"))
        {
            if (TypeOf(file, value, $"sources.{name}", types) is not { } type)
            {
                _components.Add(new Component(name, key, null, [], 0));
                continue;
            }

            var section = new SectionReader(file, value, $"sources.{name}", [PipelineKeys.Type, .. type.Keys]);
            if (type.IsSingle && _components.FirstOrDefault(c => c.SourceType == type) is { } other)
                file.Problem(value, $"sources.{name}: only one source can be of type {type.Type}, and '{other.Name}' is");
            _components.Add(new Component(name, key, type.Create(section), [], 0) { SourceType = type });
            foreach (var path in type.Reads(section))
                _reads.TryAdd(path, name);
        }
    }

    private void ReadTransforms(PipelineFile file, SectionReader root)
    {
        var types = PipelineKeys.TransformTypes.ToDictionary(t => t.Type, t => t.Keys, StringComparer.Ordinal);
        foreach (var (name, key, value) in Components(file, root, PipelineKeys.Transforms, "transforms"))
        {
            if (_components.Any(c => c.Name == name))
                file.Problem(key, $"transforms.{name}: a source has this name already");
            if (TypeOf(file, value, $"transforms.{name}", types) is not { } keys)
            {
                _components.Add(new Component(name, key, null, [], 0));
                continue;
            }

            var section = new SectionReader(file, value, $"transforms.{name}", [PipelineKeys.Type, PipelineKeys.Inputs, .. keys]);
            if (!section.Has(PipelineKeys.Inputs))
                file.Problem(value, $"transforms.{name}: key 'inputs' is missing: {PipelineKeys.Inputs.Doc}");
            _components.Add(new Component(name, key, null, section.Get(PipelineKeys.Inputs) ?? [], section.Get(PipelineKeys.GainDecibels) ?? 0) { InputsNode = section.NodeOf(PipelineKeys.Inputs) });
        }
    }

    private void Connect(PipelineFile file, SectionReader model)
    {
        var names = Names;
        var takenBy = new Dictionary<string, string>(StringComparer.Ordinal);
        void Take(string input, string by, YamlNode node)
        {
            if (!names.Contains(input))
                file.Problem(node, $"{by}: there is no source or transform '{input}'{Nearest.Hint(input, [.. names])}");
            else if (!takenBy.TryAdd(input, by))
                file.Problem(node, $"{by}: '{input}' is taken by {takenBy[input]} already; sound goes one way");
        }

        foreach (var transform in _components.Where(c => c.Inputs.Count > 0))
            foreach (var input in transform.Inputs)
                Take(input, $"transforms.{transform.Name}.inputs", transform.InputsNode!);

        if (_components.Select(c => (Component: c, Cycle: Cycle(c))).FirstOrDefault(x => x.Cycle is not null) is { Cycle: { } cycle } first)
            file.Problem(first.Component.Key, $"transforms.{first.Component.Name}: its sound comes back to itself ({string.Join(" → ", cycle)}); a pipeline can't have a cycle");

        var given = model.Get(PipelineKeys.ModelInputs);
        foreach (var input in given ?? [.. _components.Select(c => c.Name).Where(n => !takenBy.ContainsKey(n))])
            Take(input, "model.inputs", model.NodeOf(PipelineKeys.ModelInputs));

        foreach (var component in _components.Where(c => !takenBy.ContainsKey(c.Name)))
            file.Problem(component.Key, $"'{component.Name}' is not used: neither a transform nor model.inputs takes it; add it there or remove it");
    }

    /// <summary>The way from a component along inputs back to itself, if there is one.</summary>
    private List<string>? Cycle(Component start)
    {
        var stack = new Stack<List<string>>([[start.Name]]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (stack.TryPop(out var path))
        {
            foreach (var input in _components.Where(c => c.Name == path[0]).SelectMany(c => c.Inputs))
            {
                if (input == start.Name)
                    return [input, .. path];
                if (seen.Add(input))
                    stack.Push([input, .. path]);
            }
        }

        return null;
    }

    [GeneratedRegex(@"\A" + NamePatternText + @"\z")]
    private static partial Regex NamePattern();

    private sealed record Component(string Name, YamlNode Key, IAudioSource? Source, IReadOnlyList<string> Inputs, double Gain)
    {
        public SourceType? SourceType { get; init; }

        public YamlNode? InputsNode { get; init; }
    }
}
