using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>A key of a type.</summary>
public sealed class Key<T>(
    string name, string doc, T fallback, bool required, Func<YamlNode, SectionReader, object?> read, Func<JsonObject> schema) : Key(
    name, doc, required)
{
    /// <summary>The value where the key is not given.</summary>
    public T Fallback => fallback;

    internal override object? Read(YamlNode node, SectionReader reader) => read(node, reader);

    internal override string Canonical(object? read) => Definitions.Canonical.Of(read ?? fallback);

    internal override JsonObject Schema() => schema();
}
