using System.Security.Cryptography;
using System.Text;

namespace AstStream.Learning.Training;

/// <summary>
/// Deals recordings out to folds so that each fold has its share of every label; a recording is never in two. The same recordings give the
/// same folds, in whatever order they come.
/// </summary>
internal static class RecordingFolds
{
    /// <summary>The fold of each recording.</summary>
    /// <param name="recordings">The labels of each clip of each recording.</param>
    /// <param name="folds">How many folds, 2 or more.</param>
    public static Dictionary<string, int> Deal(IEnumerable<(string Recording, IReadOnlyList<int> Labels)> recordings, int folds)
    {
        var byRecording = recordings.GroupBy(r => r.Recording, StringComparer.Ordinal).Select(g => (
            Name: g.Key,
            Labels: g.SelectMany(r => r.Labels).GroupBy(l => l).ToDictionary(l => l.Key, l => l.Count()),
            Clips: g.Count())).ToList();
        var rarity = byRecording.SelectMany(r => r.Labels.Keys).GroupBy(l => l).ToDictionary(g => g.Key, g => g.Count());
        var counts = new Dictionary<int, int>[folds];
        var clips = new int[folds];
        for (var f = 0; f < folds; f++)
            counts[f] = [];

        // Those of the rarest labels first, while there is still a choice; then in an order that has nothing to do with their names.
        var dealt = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var recording in byRecording
            .OrderBy(r => r.Labels.Keys.Select(l => rarity[l]).DefaultIfEmpty(int.MaxValue).Min())
            .ThenByDescending(r => r.Clips).ThenBy(r => Mixed(r.Name)))
        {
            var rarest = recording.Labels.Keys.OrderBy(l => rarity[l]).ThenBy(l => l).Select(l => (int?)l).FirstOrDefault();
            var fold = Enumerable.Range(0, folds)
                .OrderBy(f => rarest is { } label ? counts[f].GetValueOrDefault(label) : 0).ThenBy(f => clips[f]).First();
            dealt[recording.Name] = fold;
            clips[fold] += recording.Clips;
            foreach (var (label, count) in recording.Labels)
                counts[fold][label] = counts[fold].GetValueOrDefault(label) + count;
        }

        return dealt;
    }

    private static ulong Mixed(string name) => BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}
