using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>The part of a pipeline before the model: sources, transforms, and who listens to whom.</summary>
internal sealed class AudioGraph
{
    private readonly List<Component> _components = [];
    private readonly Dictionary<string, HashSet<string>> _hearers = new(StringComparer.Ordinal); // models, by the component that they hear
    // Transforms, by the component whose sound they take.
    private readonly Dictionary<string, Component> _takers = new(StringComparer.Ordinal);

    public IReadOnlySet<string> Names => _components.Select(c => c.Name).ToHashSet(StringComparer.Ordinal);

    /// <summary>The sources with what is done to their sound and which models hear it.</summary>
    public IReadOnlyList<SourceDefinition> Sources { get; private set; } = [];

    /// <summary>The sources' sections, with what was read of them.</summary>
    public IEnumerable<(string Name, ComponentSettings Settings, SectionReader Section)> Sections =>
        _components.Where(c => c.Settings is not null).Select(c => (c.Name, (ComponentSettings)c.Settings!, c.Section!));

    public static AudioGraph Read(
        PipelineFile file, SectionReader root, IReadOnlyList<(string Name, SectionReader Section)> models, bool isPassedOn,
        ComponentCatalog catalog)
    {
        var graph = new AudioGraph();
        graph.ReadSources(file, root, catalog);
        graph.ReadTransforms(file, root);
        if (graph.Connect(file, models, isPassedOn))
            graph.Sources = [.. graph._components.Where(c => c.Settings is not null).Select(c => graph.Follow(file, c))];
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
        if (hearers.Count == 0 && source.Settings!.NeedsModel)
            file.Problem(source.Key, $"sources.{source.Name}: no model hears it, which this type needs; add a sink for what a model hears");
        var way = string.Join(" ", hearers.Order(StringComparer.Ordinal)) + FormattableString.Invariant(
            $"; {decibels} dB; {source.Fingerprint}");
        return new SourceDefinition(source.Name, source.Settings!, source.Priority, decibels, source.Calibration, hearers, way);
    }

    private void ReadSources(PipelineFile file, SectionReader root, ComponentCatalog catalog)
    {
        var types = catalog.Sources.ToDictionary(t => t.Type, StringComparer.Ordinal);
        foreach (var named in NamedSection.Of(file, root, PipelineKeys.Sources))
        {
            var (name, key, value) = named;
            if (named.TypeOf(file, $"sources.{name}", types) is not { } type)
            {
                _components.Add(new Component(name, key, null, [], 0));
                continue;
            }

            var section = new SectionReader(file, value, $"sources.{name}", [PipelineKeys.Type, .. type.Keys, .. SourceKeys.All]);
            _components.Add(
                new Component(name, key, type.Read(section), [], section.Get(SourceKeys.Gain) ?? 0)
                {
                    Section = section,
                    Priority = section.Get(SourceKeys.Priority),
                    Calibration = section.Get(SourceKeys.Calibration),
                    Fingerprint = section.Fingerprint()
                });
        }
    }

    private void ReadTransforms(PipelineFile file, SectionReader root)
    {
        var types = PipelineKeys.TransformTypes.ToDictionary(t => t.Type, t => t.Keys, StringComparer.Ordinal);
        foreach (var named in NamedSection.Of(file, root, PipelineKeys.Transforms))
        {
            var (name, key, value) = named;
            if (_components.Any(c => c.Name == name))
                file.Problem(key, $"transforms.{name}: a source has this name already");
            if (named.TypeOf(file, $"transforms.{name}", types) is not { } keys)
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

    private sealed record Component(string Name, YamlNode Key, SourceSettings? Settings, IReadOnlyList<string> Inputs, double Gain)
    {
        public SectionReader? Section { get; init; }

        public YamlNode? InputsNode { get; init; }

        public int Priority { get; init; }

        public double? Calibration { get; init; }

        public string Fingerprint { get; init; } = "";
    }
}
