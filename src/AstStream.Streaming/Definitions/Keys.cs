using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>Makes keys.</summary>
public static class Keys
{
    private const string DurationPattern = @"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d|y)$";
    private const string SizePattern = @"^[0-9]+(\.[0-9]+)?\s*(B|KB|MB|GB)$";

    private static readonly (string Unit, double Seconds)[] s_durations = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400),
        ("y", 365 * 86400)];
    private static readonly (string Unit, double Bytes)[] s_sizes = [("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1)];

    /// <summary>Any text.</summary>
    public static Key<string?> Text(string name, string doc, bool required = false) =>
        new(name, doc, null, required, (node, reader) => reader.Scalar(node, name, "text"), () => new JsonObject { ["type"] = "string" });

    /// <summary>A text or a list of texts.</summary>
    public static Key<IReadOnlyList<string>?> Texts(string name, string doc, bool required = false) =>
        new(name, doc, null, required, (node, reader) => reader.List(node, name), () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject { ["type"] = "string" },
                new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" }, ["minItems"] = 1 }),
        });

    /// <summary>A number in a range.</summary>
    public static Key<double?> Number(string name, string doc, double min, double max) =>
        new(name, doc, null, false, (node, reader) => reader.Number(node, name, min, max),
            () => new JsonObject { ["type"] = "number", ["minimum"] = min, ["maximum"] = max });

    /// <summary>A whole number in a range.</summary>
    public static Key<int> Integer(string name, string doc, int fallback, int min, int max, bool required = false) =>
        new(name, doc, fallback, required, (node, reader) => reader.Number(node, name, min, max, whole: true) is { } n ? (int)n : null,
            () => Whole(min, max));

    /// <summary>A whole number in a range, or nothing.</summary>
    public static Key<int?> OptionalInteger(string name, string doc, int min, int max) =>
        new(name, doc, null, false, (node, reader) => reader.Number(node, name, min, max, whole: true) is { } n ? (int)n : null,
            () => Whole(min, max));

    /// <summary>A list of whole numbers in a range, or one number for the powers of two up to it.</summary>
    public static Key<IReadOnlyList<int>> Integers(string name, string doc, IReadOnlyList<int> fallback, int min, int max) =>
        new(name, doc, fallback, false, (node, reader) => reader.Integers(node, name, min, max), () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                Whole(min, max), new JsonObject { ["type"] = "array", ["items"] = Whole(min, max), ["minItems"] = 1 }),
        });

    /// <summary>true or false.</summary>
    public static Key<bool> Flag(string name, string doc, bool fallback = false) =>
        new(name, doc, fallback, false, (node, reader) => reader.Choice(node, name, ["true", "false"]) is { } text ? text == "true" : null,
            () => new JsonObject { ["type"] = "boolean" });

    /// <summary>true or false, or nothing.</summary>
    public static Key<bool?> OptionalFlag(string name, string doc) =>
        new(name, doc, null, false, (node, reader) => reader.Choice(node, name, ["true", "false"]) is { } text ? text == "true" : null,
            () => new JsonObject { ["type"] = "boolean" });

    /// <summary>A whole number from 0, or a word, which reads as null.</summary>
    public static Key<int?> WordOrIndex(string name, string doc, string word) =>
        new(name, doc, null, false, (node, reader) => reader.WordOrIndex(node, name, word), () => new JsonObject
        {
            ["anyOf"] = new JsonArray(new JsonObject { ["const"] = word }, new JsonObject { ["type"] = "integer", ["minimum"] = 0 }),
        });

    /// <summary>One of a few words.</summary>
    public static Key<string> Choice(string name, string doc, string fallback, params string[] choices) =>
        new(name, doc, fallback, false, (node, reader) => reader.Choice(node, name, choices),
            () => new JsonObject { ["enum"] = new JsonArray([.. choices.Select(c => (JsonNode)c)]) });

    /// <summary>One of a few words, or nothing.</summary>
    public static Key<string?> OptionalChoice(string name, string doc, params string[] choices) =>
        new(name, doc, null, false, (node, reader) => reader.Choice(node, name, choices),
            () => new JsonObject { ["enum"] = new JsonArray([.. choices.Select(c => (JsonNode)c)]) });

    /// <summary>One of a few words, or several as a list.</summary>
    public static Key<IReadOnlyList<string>> Choices(string name, string doc, IReadOnlyList<string> fallback, params string[] choices)
    {
        JsonObject Items() => new() { ["enum"] = new JsonArray([.. choices.Select(c => (JsonNode)c)]) };
        return new(name, doc, fallback, false, (node, reader) => reader.List(node, name, choices), () => new JsonObject
        {
            ["anyOf"] = new JsonArray(Items(), new JsonObject { ["type"] = "array", ["items"] = Items(), ["minItems"] = 1 }),
        });
    }

    /// <summary>A span of time with its unit: 500ms, 0.5s, 2m, 1h.</summary>
    public static Key<TimeSpan?> Duration(string name, string doc, TimeSpan min, TimeSpan max) =>
        new(name, doc, null, false,
            (node, reader) => Measure(
            node, reader, name, DurationPattern, s_durations, min.TotalSeconds, max.TotalSeconds,
            "a duration such as 500ms, 0.5s or 2m") is { } s ? TimeSpan.FromTicks((long)Math.Round(s * TimeSpan.TicksPerSecond)) : null,
            () => new JsonObject { ["type"] = "string", ["pattern"] = DurationPattern });

    /// <summary>Reads a span of time as pipelines write it: 500ms, 0.5s, 2m; null where it is none.</summary>
    public static TimeSpan? ParseDuration(string text) =>
        IsWhole(text, DurationPattern)
            ? TimeSpan.FromTicks((long)Math.Round(InUnits(text, s_durations) * TimeSpan.TicksPerSecond)) : null;

    /// <summary>A number of bytes with its unit: 500KB, 100MB, 2GB.</summary>
    public static Key<long?> Size(string name, string doc, long min, long max) =>
        new(name, doc, null, false,
            (node, reader) => Measure(node, reader, name, SizePattern, s_sizes, min, max, "a size such as 500KB or 100MB") is { } b
            ? (long)b : null,
            () => new JsonObject { ["type"] = "string", ["pattern"] = SizePattern });

    /// <summary>A mapping from names to numbers in a range.</summary>
    public static Key<IReadOnlyDictionary<string, double>?> Numbers(string name, string doc, double min, double max) =>
        new(name, doc, null, false, (node, reader) => reader.Numbers(node, name, min, max), () => new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = new JsonObject { ["type"] = "number", ["minimum"] = min, ["maximum"] = max },
        });

    /// <summary>A mapping from names to texts.</summary>
    public static Key<IReadOnlyDictionary<string, string>?> Mapping(string name, string doc) =>
        new(name, doc, null, false, (node, reader) => reader.Mapping(node, name), () => new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") },
        });

    /// <summary>A mapping with keys of its own; null where it is not given.</summary>
    public static Key<SectionReader?> Nested(string name, string doc, params Key[] keys) =>
        new(name, doc, null, false, (node, reader) => reader.Nested(node, name, keys), () => PipelineSchema.Section(keys))
        {
            Nested = keys,
        };

    /// <summary>The certificates of a PEM file, whose path is given.</summary>
    public static Key<X509Certificate2Collection?> Certificates(string name, string doc) =>
        new(name, doc, null, false, (node, reader) => reader.Certificates(node, name), () => new JsonObject { ["type"] = "string" });

    /// <summary>Mappings by names of the user's choice, in the order of the file, each with the same keys.</summary>
    public static Key<IReadOnlyList<NamedReader>?> Named(string name, string doc, params Key[] keys) =>
        new(name, doc, null, false, (node, reader) => reader.Named(node, name, keys),
            () => PipelineSchema.Named([PipelineSchema.Section(keys)]))
        {
            Nested = keys,
        };

    /// <summary>Components by names of the user's choice, in the order of the file, each with the keys of its type.</summary>
    public static Key<IReadOnlyList<TypedReader<T>>?> Components<T>(string name, string doc, IReadOnlyList<T> types, bool required = false)
        where T : ComponentType =>
        new(name, doc, null, required, (node, reader) => reader.Components(node, name, types),
            () => PipelineSchema.Named(types.Select(PipelineSchema.Component)))
        {
            Types = types,
        };

    /// <summary>A mapping that is read on its own.</summary>
    internal static Key<YamlNode?> Section(string name, string doc, bool required = false) =>
        new(name, doc, null, required, (node, _) => node, () => new JsonObject { ["type"] = "object" });

    /// <summary>A list whose entries are read on their own.</summary>
    internal static Key<YamlNode?> List(string name, string doc) =>
        new(name, doc, null, false, (node, _) => node, () => new JsonObject { ["type"] = "array", ["minItems"] = 1 });

    private static JsonObject Whole(int min, int max) => new() { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max };

    private static double? Measure(
        YamlNode node, SectionReader reader, string name, string pattern, (string Unit, double Factor)[] units, double min, double max,
        string expected)
    {
        if (reader.Scalar(node, name, expected) is not { } text)
            return null;
        if (!IsWhole(text, pattern))
        {
            reader.Problem(node, $"{reader.Path(name)}: found '{text}'; expected {expected}");
            return null;
        }

        var value = InUnits(text, units);
        if (value >= min && value <= max)
            return value;
        reader.Problem(node, $"{reader.Path(name)}: {text} is out of range; expected {Show(min, units)} to {Show(max, units)}");
        return null;
    }

    /// <summary>Whether a text is of a pattern: $ is also before a last line's end.</summary>
    private static bool IsWhole(string text, string pattern) => !text.EndsWith('\n') && Regex.IsMatch(text, pattern);

    private static double InUnits(string text, (string Unit, double Factor)[] units)
    {
        var (unit, factor) = units.First(u => text.EndsWith(u.Unit, StringComparison.Ordinal));
        return double.Parse(
            text[..^unit.Length], NumberStyles.AllowDecimalPoint | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) * factor;
    }

    private static string Show(double value, (string Unit, double Factor)[] units)
    {
        var (unit, factor) = units.Where(u => u.Factor <= value).DefaultIfEmpty(units.MinBy(u => u.Factor)).MaxBy(u => u.Factor);
        return string.Create(CultureInfo.InvariantCulture, $"{value / factor:0.###}{unit}");
    }
}
