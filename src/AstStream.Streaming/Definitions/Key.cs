using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// One key of a section of a pipeline definition: its name, meaning, type, range and default, stated once. Reading, errors,
/// help and the JSON Schema all come from here.
/// </summary>
public abstract class Key(string name, string doc, bool required)
{
    /// <summary>The key as it is written.</summary>
    public string Name => name;

    /// <summary>What it means, with unit, range and default.</summary>
    public string Doc => doc;

    /// <summary>Whether it must be given.</summary>
    public bool Required => required;

    /// <summary>The keys of the mapping that is its value; none for any other value.</summary>
    internal IReadOnlyList<Key> Nested { get; init; } = [];

    /// <summary>The types of the components that its value names; none for any other value.</summary>
    internal IReadOnlyList<ComponentType> Types { get; init; } = [];

    /// <summary>Reads the node; reports a problem and returns null where it can't.</summary>
    internal abstract object? Read(YamlNode node, SectionReader reader);

    /// <summary>A value that was read, or the default where there is none, as a text that is equal for equal values.</summary>
    internal abstract string Canonical(object? read);

    /// <summary>Its JSON Schema, without the description.</summary>
    internal abstract JsonObject Schema();
}
