using System.Collections;
using System.Globalization;
using System.Text.Json;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>Values as texts that are equal where the values are: no layout, comment or order of keys matters.</summary>
internal static class Canonical
{
    public static string Of(object? value) => value switch
    {
        null => "",
        SectionReader section => section.Fingerprint(),
        NamedReader named => $"{Of(named.Name)}:{Of(named.Section)}",
        string text => JsonSerializer.Serialize(text),
        YamlMappingNode mapping => Mapping(mapping.Children.Select(c => (Of(c.Key), Of(c.Value)))),
        YamlSequenceNode list => List(list.Children),
        YamlScalarNode scalar => Of(scalar.Value),
        IEnumerable<KeyValuePair<string, string>> texts => Mapping(texts.Select(t => (Of(t.Key), Of(t.Value)))),
        IEnumerable<KeyValuePair<string, double>> numbers => Mapping(numbers.Select(n => (Of(n.Key), Of(n.Value)))),
        IEnumerable items => List(items),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Mapping(IEnumerable<(string Key, string Value)> entries) =>
        $"{{{string.Join(',', entries.Select(e => $"{e.Key}:{e.Value}").Order(StringComparer.Ordinal))}}}";

    private static string List(IEnumerable items) => $"[{string.Join(',', items.Cast<object?>().Select(Of))}]";
}
