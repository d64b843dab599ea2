using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// What is known of AudioSet's labels: which stand above which (AudioSet's ontology); which mean one sound, as a tagger gives them together
/// (the recipe of the default model says how that was found); and groups of them that belong together.
/// </summary>
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
        var index = Index(labels);
        return [.. labels.Select(l => Of(Above(l), index))];
    }

    /// <summary>Of each label, the indices of those that mean the same sound.</summary>
    public static IReadOnlyList<IReadOnlyList<int>> Related(IReadOnlyList<string> labels)
    {
        var index = Index(labels);
        return [.. labels.Select(l => Of(s_tables.Value.Related[l], index))];
    }

    private static Dictionary<string, int> Index(IReadOnlyList<string> labels) =>
        labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);

    private static IReadOnlyList<int> Of(IEnumerable<string> names, Dictionary<string, int> index) =>
        [.. names.Where(index.ContainsKey).Select(n => index[n]).Order()];

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
        var pairs = Lists("related").SelectMany(p => p.Value.Select(o => (A: p.Key, B: o))).ToList();
        var related = pairs.Concat(pairs.Select(p => (A: p.B, B: p.A))).ToLookup(p => p.A, p => p.B, StringComparer.Ordinal);
        return new Tables(Lists("parents"), related, Lists("views"));
    }

    private sealed record Tables(
        Dictionary<string, string[]> Parents, ILookup<string, string> Related, Dictionary<string, string[]> Views);
}
