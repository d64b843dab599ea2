using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>What AudioSet says of its labels: which stand above which, and, by us, groups of them that belong together.</summary>
internal static class AudioSet
{
    private const string Resource = "AstStream.Model.Checkpoints.audioset.json";

    private static readonly Lazy<Tables> s_tables = new(Load);

    /// <summary>Groups of labels, by name.</summary>
    public static IReadOnlyDictionary<string, string[]> Views => s_tables.Value.Views;

    /// <summary>
    /// Of each label, the indices of those that stand above it: parents, their parents and so on, as far as they are among the labels
    /// themselves. Labels that AudioSet does not have stand alone.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<int>> Ancestors(IReadOnlyList<string> labels)
    {
        var index = labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        return [.. labels.Select(l => (IReadOnlyList<int>)[.. Above(l).Where(index.ContainsKey).Select(a => index[a]).Order()])];
    }

    private static HashSet<string> Above(string label)
    {
        var (found, open) = (new HashSet<string>(StringComparer.Ordinal), new Stack<string>([label]));
        while (open.TryPop(out var next))
        {
            foreach (var parent in s_tables.Value.Parents.GetValueOrDefault(next) ?? [])
            {
                if (found.Add(parent))
                    open.Push(parent);
            }
        }

        return found;
    }

    private static Tables Load()
    {
        using var stream = typeof(AudioSet).Assembly.GetManifestResourceStream(Resource)!;
        using var json = JsonDocument.Parse(stream);
        Dictionary<string, string[]> Lists(string name) => json.RootElement.GetProperty(name).EnumerateObject().ToDictionary(
            p => p.Name, p => p.Value.EnumerateArray().Select(l => l.GetString()!).ToArray(), StringComparer.Ordinal);
        return new Tables(Lists("parents"), Lists("views"));
    }

    private sealed record Tables(Dictionary<string, string[]> Parents, Dictionary<string, string[]> Views);
}
