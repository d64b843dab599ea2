using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// Reads views.json, an object from a view's name to a list of labels, or to an object from names of classes to lists of labels; and adds
/// the groups of AudioSet's labels to a checkpoint that has them.
/// </summary>
internal static class ViewReader
{
    private const int LongestName = 64;

    /// <summary>A checkpoint's views by name: the file's, and those of AudioSet that the file does not name.</summary>
    /// <param name="file">Where views.json lies, if there is one; null where the checkpoint is no folder.</param>
    /// <param name="config">The checkpoint's configuration.</param>
    /// <exception cref="InvalidCheckpointException">The file is broken, or names labels that the checkpoint does not have.</exception>
    public static IReadOnlyDictionary<string, LabelView> Read(string? file, AstConfig config)
    {
        var index = config.Labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        var views = new Dictionary<string, LabelView>(StringComparer.Ordinal);
        foreach (var (name, labels) in AudioSet.Views.Where(v => v.Value.All(index.ContainsKey) && !index.ContainsKey(v.Key)))
            views[name] = Plain(name, [.. labels.Select(l => index[l])], config);
        if (file is null || !File.Exists(file))
            return views;
        using var json = ConfigReader.Parse(file, out _);
        var problems = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (!IsName(entry.Name))
                problems.Add($"\"{Short(entry.Name)}\": expected a name of a-z, 0-9, _ and -, of at most {LongestName}");
            else if (!seen.Add(entry.Name))
                problems.Add($"{entry.Name}: stands twice");
            else if (index.ContainsKey(entry.Name))
                problems.Add($"{entry.Name}: is a label of config.json already; expected another name");
            else if (View(entry, config, index, problems) is { } view)
                views[entry.Name] = view;
        }

        return problems.Count == 0 ? views
            : throw new InvalidCheckpointException(string.Join('\n', problems.Take(12).Select(p => $"{file}: {p}")));
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-')
        && char.IsAsciiLetterOrDigit(name[0]);

    private static string Short(string name) => name.Length > 60 ? name[..57] + "..." : name;

    private static LabelView? View(JsonProperty entry, AstConfig config, Dictionary<string, int> index, List<string> problems)
    {
        if (entry.Value.ValueKind == JsonValueKind.Array)
        {
            return Labels(entry.Name, entry.Value, index, problems) is { } labels
                ? Plain(entry.Name, labels, config) : null;
        }

        if (entry.Value.ValueKind != JsonValueKind.Object || !entry.Value.EnumerateObject().Any())
        {
            problems.Add($"{entry.Name}: found {ConfigReader.Shortened(entry.Value)}; expected a list of labels, or an object from class "
                + $"to labels");
            return null;
        }

        if (config.DefaultActivation != ScoreActivation.Sigmoid)
        {
            problems.Add($"{entry.Name}: has classes of its own, which are made of independent scores; the model's are not "
                + $"(problem_type is not multi_label_classification). Expected a list of labels");
            return null;
        }

        var classes = new List<(string Name, IReadOnlyList<int>? Members)>();
        foreach (var own in entry.Value.EnumerateObject())
        {
            if (string.IsNullOrWhiteSpace(own.Name) || classes.Any(c => c.Name == own.Name))
                problems.Add($"{entry.Name}: \"{Short(own.Name)}\" is empty or stands twice; expected names that differ");
            classes.Add((own.Name, Labels($"{entry.Name}.{Short(own.Name)}", own.Value, index, problems)));
        }

        return classes.Any(c => c.Members is null) ? null
            : new LabelView(entry.Name, [.. classes.Select(c => c.Name)])
            {
                Members = [.. classes.Select(c => c.Members!)],
                HasOwnClasses = true
            };
    }

    private static LabelView Plain(string name, List<int> labels, AstConfig config) =>
        new(name, [.. labels.Select(l => config.Labels[l])]) { Members = [.. labels.Select(l => (int[])[l])], HasOwnClasses = false };

    private static List<int>? Labels(string where, JsonElement value, Dictionary<string, int> index, List<string> problems)
    {
        var labels = new List<int>();
        var before = problems.Count;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            problems.Add($"{where}: found {ConfigReader.Shortened(value)}; expected a list of labels");
            return null;
        }

        foreach (var label in value.EnumerateArray())
        {
            if (label.ValueKind != JsonValueKind.String || !index.TryGetValue(label.GetString()!, out var i))
                problems.Add($"{where}: found {ConfigReader.Shortened(label)}; expected labels of config.json");
            else if (labels.Contains(i))
                problems.Add($"{where}: {ConfigReader.Shortened(label)} stands twice");
            else
                labels.Add(i);
        }

        return problems.Count == before ? labels : null;
    }
}
