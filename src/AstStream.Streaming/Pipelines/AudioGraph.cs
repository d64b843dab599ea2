using System.Text.RegularExpressions;
using AstStream.Streaming.Sources;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>The part of a pipeline before the model: sources, transforms, and who listens to whom.</summary>
internal sealed partial class AudioGraph
{
    /// <summary>What a component may be called.</summary>
    public const string NamePatternText = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}";

    private const int MaxSources = 100_000;
    private const int MaxOthers = 256; // transforms, models, sinks

    private static readonly string[] s_reserved = ["batch", "model", "events", "tee", "lane"];

    private readonly List<Component> _components = [];
    private readonly Dictionary<string, HashSet<string>> _hearers = new(StringComparer.Ordinal); // models, by the component that they hear
    // Transforms, by the component whose sound they take.
    private readonly Dictionary<string, Component> _takers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _reads = new(StringComparer.Ordinal);

    /// <summary>The files that sources read, and which source does.</summary>
    public IReadOnlyDictionary<string, string> Reads => _reads;

    public IReadOnlySet<string> Names => _components.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>The sources with what is done to their sound and which models hear it.</summary>
    public IReadOnlyList<SourceDefinition> Sources { get; private set; } = [];

    public static AudioGraph Read(
        PipelineFile file, SectionReader root, IReadOnlyList<(string Name, SectionReader Section)> models, bool isPassedOn,
        ComponentCatalog catalog)
    {
        var graph = new AudioGraph();
        graph.ReadSources(file, root, catalog);
        graph.ReadTransforms(file, root);
        if (graph.Connect(file, models, isPassedOn))
            graph.Sources = [.. graph._components.Where(c => c.Source is not null).Select(c => graph.Follow(file, c))];
        return graph;
    }

    /// <summary>A source with the transforms on its way and the models at its end.</summary>
    private SourceDefinition Follow(PipelineFile file, Component source)
    {
        var end = source;
        var decibels = 0.0;
        for (Component? next = source; next is not null; next = _takers.GetValueOrDefault(end.Name))
        {
            end = next;
            decibels += next.Gain;
        }

        var hearers = _hearers.GetValueOrDefault(end.Name, []);
        if (hearers.Count == 0 && source.Source!.NeedsModel)
            file.Problem(source.Key, $"sources.{source.Name}: no model hears it, which this type needs; add a sink for what a model hears");
        var way = string.Join(" ", hearers.Order(StringComparer.Ordinal)) + FormattableString.Invariant(
            $"; {decibels} dB; {source.Fingerprint}");
        return new SourceDefinition(source.Name, source.Source!, source.Priority, decibels, hearers, way);
    }

    /// <summary>The named components of one section, their names checked.</summary>
    public static IEnumerable<(string Name, YamlNode Key, YamlNode Value)> Components(
        PipelineFile file, SectionReader root, Key<YamlNode?> key, string section)
    {
        if (root.Get(key) is not { } node)
            yield break;
        var count = 0;
        var most = key == PipelineKeys.Sources ? MaxSources : MaxOthers;
        foreach (var (name, keyNode, value) in file.Entries(node, section))
        {
            if (++count > most)
            {
                file.Problem(keyNode, $"{section}: more than {most} entries");
                yield break;
            }

            if (!NamePattern().IsMatch(name) || s_reserved.Contains(name))
                file.Problem(
                    keyNode, $"{section}.{name}: not a name that can be used; expected letters, digits, '-' and '_', and none of "
                        + $"{string.Join(", ", s_reserved)}");
            else
                yield return (name, keyNode, value);
        }

        if (count == 0 && node is YamlMappingNode && (key.Required || key == PipelineKeys.Models))
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

            var section = new SectionReader(file, value, $"sources.{name}", [PipelineKeys.Type, .. type.Keys, .. PipelineKeys.SourceKeys]);
            if (type.IsSingle && _components.FirstOrDefault(c => c.SourceType == type) is { } other)
                file.Problem(value, $"sources.{name}: only one source can be of type {type.Type}, and '{other.Name}' is");
            _components.Add(
                new Component(
                name, key, type.Create(section), [], section.Get(PipelineKeys.Gain) ?? 0)
                {
                    SourceType = type,
                    Priority = section.Get(PipelineKeys.Priority),
                    Fingerprint = section.Fingerprint
                });
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
            _components.Add(
                new Component(
                name, key, null, section.Get(PipelineKeys.Inputs) ?? [],
                section.Get(PipelineKeys.GainDecibels) ?? 0)
                { InputsNode = section.NodeOf(PipelineKeys.Inputs) });
        }
    }

    /// <summary>Checks who listens to whom; false where something is wrong. Sound that is passed on needs no model that hears it.</summary>
    private bool Connect(PipelineFile file, IReadOnlyList<(string Name, SectionReader Section)> models, bool isPassedOn)
    {
        var names = Names;
        var isGood = true;
        var takenBy = new Dictionary<string, string>(StringComparer.Ordinal);
        void Problem(YamlNode node, string message)
        {
            isGood = false;
            file.Problem(node, message);
        }

        bool IsThere(string input, string by, YamlNode node)
        {
            if (names.Contains(input))
                return true;
            Problem(node, $"{by}: there is no source or transform '{input}'{Nearest.Hint(input, [.. names])}");
            return false;
        }

        foreach (var transform in _components.Where(c => c.Inputs.Count > 0))
        {
            var by = $"transforms.{transform.Name}.inputs";
            foreach (var input in transform.Inputs.Where(i => IsThere(i, by, transform.InputsNode!)))
            {
                if (takenBy.TryAdd(input, by))
                    _takers.Add(input, transform);
                else
                    Problem(transform.InputsNode!, $"{by}: '{input}' is taken by {takenBy[input]} already; sound goes one way");
            }
        }

        if (_components.Where(c => c.Inputs.Count > 0).Select(
            c => (Component: c, Cycle: Cycle(c))).FirstOrDefault(x => x.Cycle is not null) is { Cycle: { } cycle } first)
            Problem(first.Component.Key,
                $"transforms.{first.Component.Name}: its sound comes back to itself ({string.Join(" → ", cycle)}); a pipeline can't have "
                    + $"a cycle");

        // Several models may hear the same sound; a transform keeps its own.
        foreach (var (name, section) in models)
        {
            var node = section.NodeOf(PipelineKeys.ModelInputs);
            var by = section.Path(PipelineKeys.ModelInputs.Name);
            foreach (var input in section.Get(PipelineKeys.ModelInputs) ?? [.. names.Where(n => !takenBy.ContainsKey(n))])
            {
                if (!IsThere(input, by, node))
                    continue;
                if (takenBy.TryGetValue(input, out var transform))
                    Problem(node, $"{by}: '{input}' is taken by {transform} already; sound goes one way");
                else
                    (_hearers.TryGetValue(input, out var hearers) ? hearers : _hearers[input] = []).Add(name);
            }
        }

        foreach (var component in _components.Where(c => !takenBy.ContainsKey(c.Name) && !_hearers.ContainsKey(c.Name) && !isPassedOn))
            Problem(component.Key,
                $"'{component.Name}' is not used: neither a transform nor model.inputs takes it; add it there or remove it");
        return isGood;
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

        public int Priority { get; init; }

        public string Fingerprint { get; init; } = "";
    }
}
