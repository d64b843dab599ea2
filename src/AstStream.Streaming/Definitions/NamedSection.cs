using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>A component of a section, by the name that the definition gives it.</summary>
/// <param name="Name">Its name, which can be used.</param>
/// <param name="Key">Where the name stands.</param>
/// <param name="Value">What is said of it.</param>
internal sealed partial record NamedSection(string Name, YamlNode Key, YamlNode Value)
{
    /// <summary>What a component may be called.</summary>
    public const string PatternText = "[A-Za-z0-9][A-Za-z0-9_-]{0,62}";

    private const int MaxSources = 100_000;
    private const int MaxOthers = 256; // transforms, models, sinks

    private static readonly string[] s_reserved = ["batch", "model", "events", "tee", "lane"];

    /// <summary>The named components of one section, their names checked.</summary>
    public static List<NamedSection> Of(PipelineFile file, SectionReader root, Key<YamlNode?> key) => root.Get(key) is { } node
        ? Of(file, node, key.Name, key == PipelineKeys.Sources ? MaxSources : MaxOthers,
            key.Required || key == PipelineKeys.Models || key == PipelineKeys.Sinks)
        : [];

    /// <summary>The same of a mapping that is read on its own.</summary>
    public static List<NamedSection> Of(PipelineFile file, YamlNode node, string section, int most = MaxOthers, bool isNeeded = true)
    {
        var found = new List<NamedSection>();
        var count = 0;
        foreach (var (name, keyNode, value) in file.Entries(node, section))
        {
            if (++count > most)
            {
                file.Problem(keyNode, $"{section}: more than {most} entries");
                return found;
            }

            if (!IsName(name))
                file.Problem(
                    keyNode, $"{section}.{name}: not a name that can be used; expected letters, digits, '-' and '_', and none of "
                        + $"{string.Join(", ", s_reserved)}");
            else
                found.Add(new NamedSection(name, keyNode, value));
        }

        if (count == 0 && node is YamlMappingNode && isNeeded)
            file.Problem(node, $"{section}: is empty; expected at least one entry");
        return found;
    }

    /// <summary>Whether a component may be called so.</summary>
    public static bool IsName(string name) => NamePattern().IsMatch(name) && !s_reserved.Contains(name);

    /// <summary>The type that the component names; a problem where it names none or an unknown one.</summary>
    public T? TypeOf<T>(PipelineFile file, string path, IReadOnlyDictionary<string, T> types)
        where T : class
    {
        if (Value is not YamlMappingNode mapping)
        {
            file.Problem(Value, $"{path}: found {SectionReader.Kind(Value)}; expected a mapping with a 'type'");
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

        file.Problem(entry.Value ?? Value, $"{path}: key 'type' is missing; expected one of {string.Join(", ", types.Keys)}");
        return null;
    }

    [GeneratedRegex(@"\A" + PatternText + @"\z")]
    private static partial Regex NamePattern();
}
