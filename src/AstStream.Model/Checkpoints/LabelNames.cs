using System.Globalization;

namespace AstStream.Model.Checkpoints;

/// <summary>The names of classes: what tells their events apart.</summary>
internal static class LabelNames
{
    /// <summary>
    /// The names with equal ones told apart by a number (dog, dog#2), and empty ones named by their index as transformers names classes
    /// without a name (LABEL_3). Where something was changed, <paramref name="note"/> says what.
    /// </summary>
    public static IReadOnlyList<string> Distinct(IReadOnlyList<string> labels, out string? note)
    {
        var given = labels.Where(l => !string.IsNullOrWhiteSpace(l)).ToHashSet(StringComparer.Ordinal);
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        var names = new string[labels.Count];
        var changed = new List<string>();
        for (var i = 0; i < names.Length; i++)
        {
            var plain = string.IsNullOrWhiteSpace(labels[i]) ? string.Create(CultureInfo.InvariantCulture, $"LABEL_{i}") : labels[i];
            var name = plain;
            while (!taken.Add(name) || (name != labels[i] && given.Contains(name)))
                name = string.Create(CultureInfo.InvariantCulture, $"{plain}#{counts[plain] = counts.GetValueOrDefault(plain, 1) + 1}");
            names[i] = name;
            if (name != labels[i])
                changed.Add(string.Create(CultureInfo.InvariantCulture, $"class {i} is called '{name}'"));
        }

        const int most = 5;
        note = changed.Count == 0 ? null
            : $"some classes have equal or empty names; they are told apart: "
                + $"{string.Join(", ", changed.Take(most))}{(changed.Count > most ? $" and {changed.Count - most} more" : "")}";
        return names;
    }

    /// <summary>The classes that a name means: that of this very name, and those that bear it with a number.</summary>
    public static IEnumerable<int> Meant(string name, IReadOnlyList<string> labels) => Enumerable.Range(0, labels.Count).Where(i =>
        labels[i] == name
        || (labels[i].StartsWith(
            name + "#", StringComparison.Ordinal) && labels[i][(name.Length + 1)..].All(char.IsAsciiDigit) && labels.Contains(name)));
}
