using System.Text.Encodings.Web;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>Edits single values in the text of a pipeline definition: comments, layout and everything else stay as they are.</summary>
internal static class DefinitionEdit
{
    private static readonly JsonSerializerOptions s_readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The text with a value set.</summary>
    /// <param name="text">The definition.</param>
    /// <param name="path">The keys, one in the other; those that are not there are added.</param>
    /// <param name="value">The value as YAML, a scalar.</param>
    /// <exception cref="InvalidOperationException">The text is laid out in a way that can't be edited so; the message says it.</exception>
    public static string Set(string text, string[] path, string value)
    {
        try
        {
            var edited = Edit(text, path, value);
            if (PipelineFile.Parse(value) is YamlScalarNode scalar
                && Canonical.Of(PipelineFile.Parse(edited)) == Canonical.Of(With(PipelineFile.Parse(text), path, scalar)))
                return edited;
        }
        catch (YamlException)
        {
            // The text is no YAML, or is none any more.
        }

        throw new InvalidOperationException(
            $"{string.Join('.', path[..^1])} can't be edited where it stands; expected it written out as a mapping. Edit the file by hand");
    }

    /// <summary>A value as it stands in the text; null where it is not there, or is no scalar.</summary>
    public static string? Get(string text, string[] path)
    {
        try
        {
            YamlNode? at = PipelineFile.Parse(text);
            foreach (var key in path)
                at = (at as YamlMappingNode)?.Children.FirstOrDefault(c => c.Key is YamlScalarNode k && k.Value == key).Value;
            return at is YamlScalarNode ? text[(int)at.Start.Index..(int)at.End.Index] : null;
        }
        catch (YamlException)
        {
            return null;
        }
    }

    private static string Edit(string text, string[] path, string value)
    {
        var at = PipelineFile.Parse(text) as YamlMappingNode ?? throw new YamlException("no mapping");
        for (var i = 0; i < path.Length; i++)
        {
            var entry = at.Children.FirstOrDefault(c => c.Key is YamlScalarNode k && k.Value == path[i]);
            if (entry.Key is null)
                return Insert(text, at, [.. path.Skip(i)], value, isRoot: i == 0);
            if (i == path.Length - 1)
                return text[..(int)entry.Value.Start.Index] + value + text[(int)entry.Value.End.Index..];
            at = entry.Value as YamlMappingNode ?? throw new YamlException("no mapping");
        }

        return text;
    }

    /// <summary>Puts keys, one in the other, into a mapping.</summary>
    private static string Insert(string text, YamlMappingNode mapping, string[] keys, string value, bool isRoot)
    {
        var flow = keys[1..].Reverse().Aggregate(value, (inner, key) => $"{{{Quoted(key)}: {inner}}}");
        var entry = $"{Quoted(keys[0])}: {flow}";
        if (mapping.Style == MappingStyle.Flow)
        {
            var start = (int)mapping.Start.Index + 1;
            return text[..start] + entry + (mapping.Children.Count > 0 ? ", " : "") + text[start..];
        }

        var line = text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";
        if (isRoot)
            return (text.EndsWith('\n') || text.Length == 0 ? text : text + line) + line + entry + line;
        var first = mapping.Children.First().Key.Start;
        var at = (int)first.Index;
        return text[..at] + entry + line + new string(' ', (int)first.Column - 1) + text[at..];
    }

    /// <summary>A text as YAML: a plain word as it is, anything else in quotes, as JSON has it.</summary>
    public static string Quoted(string text) =>
        text.All(char.IsAsciiLetterLower) ? text : JsonSerializer.Serialize(text, s_readable);

    /// <summary>The tree that the edited text is to be.</summary>
    private static YamlNode? With(YamlNode? root, string[] path, YamlNode value)
    {
        var at = root as YamlMappingNode;
        foreach (var key in path[..^1])
        {
            var known = at?.Children.FirstOrDefault(c => c.Key is YamlScalarNode k && k.Value == key) ?? default;
            if (known.Key is null)
                at?.Children.Add(new YamlScalarNode(key), known.Value ?? new YamlMappingNode());
            at = at?.Children.First(c => c.Key is YamlScalarNode k && k.Value == key).Value as YamlMappingNode;
        }

        if (at is null)
            return root;
        foreach (var old in at.Children.Keys.Where(k => k is YamlScalarNode s && s.Value == path[^1]).ToList())
            at.Children.Remove(old);
        at.Children.Add(new YamlScalarNode(path[^1]), value);
        return root;
    }
}
