using System.Text.RegularExpressions;

namespace AstStream.Learning.Evaluation;

/// <summary>
/// AudioSet's own tables (eval_segments.csv and the like): a line a clip with its video, times and classes by identifier. Names of classes
/// come from AudioSet's class_labels_indices.csv beside the table, the sound from files below its folder that are called as the video, with
/// or without a Y before it (as PANNs' authors name them) or times after it: VIDEO.wav, YVIDEO.flac, VIDEO_30000_40000.wav.
/// </summary>
internal static partial class AudioSetTable
{
    private const string Classes = "class_labels_indices.csv";
    private const int IdLength = 11; // of a video's name

    /// <summary>Whether a table is AudioSet's, by the comments that it begins with.</summary>
    public static bool Is(IEnumerable<string> lines) =>
        lines.TakeWhile(l => l.StartsWith('#')).Any(l => l.Contains("YTID", StringComparison.Ordinal));

    /// <summary>The clips of a table whose sound is there.</summary>
    /// <param name="path">The table.</param>
    /// <param name="lines">Its lines.</param>
    /// <param name="note">Receives how many clips have no sound.</param>
    public static List<LabelledClip> Read(string path, IReadOnlyList<string> lines, Action<string> note)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var names = Names(Path.Combine(folder, Classes), path);
        var files = ClipDataset.SoundBelow(folder)
            .SelectMany(f => Videos(Path.GetFileNameWithoutExtension(f)).Select(id => (Id: id, File: f)))
            .DistinctBy(f => f.Id).ToDictionary(f => f.Id, f => f.File, StringComparer.Ordinal);
        var (clips, missing) = (new List<LabelledClip>(), 0);
        foreach (var (i, line) in lines.Index().Where(l => l.Item.Trim().Length > 0 && !l.Item.StartsWith('#')))
        {
            var row = Row().Match(line);
            string[] ids = row.Groups["classes"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (!row.Success || ids.Length == 0)
                throw new InvalidTruthException($"{path}:{i + 1}: found '{line}'; expected VIDEO, start, end, \"class,class\"");
            if (Array.Find(ids, c => !names.ContainsKey(c)) is { } unknown)
                throw new InvalidTruthException($"{path}:{i + 1}: found the class {unknown}, which {Classes} does not name");
            var video = row.Groups["video"].Value;
            if (files.TryGetValue(video, out var file))
                clips.Add(new LabelledClip(file, [.. ids.Select(c => names[c])], video, ""));
            else
                missing++;
        }

        if (clips.Count == 0)
            throw new InvalidTruthException(
                $"{path}: none of its {missing} clips is there; expected their sound below {folder}, each called as its video");
        if (missing > 0)
            note($"{path}: {missing} of {clips.Count + missing} clips have no sound below {folder}: they are left out");
        return clips;
    }

    /// <summary>The names of the classes by identifier.</summary>
    private static Dictionary<string, string> Names(string path, string table)
    {
        if (!File.Exists(path))
            throw new InvalidTruthException(
                $"{table}: is a table of AudioSet's, whose classes are named by {Classes}; expected that beside it");
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (i, line) in File.ReadLines(path).Index().Skip(1).Where(l => l.Item.Trim().Length > 0))
        {
            var row = Class().Match(line);
            if (!row.Success)
                throw new InvalidTruthException($"{path}:{i + 1}: found '{line}'; expected index,class,\"name\"");
            names[row.Groups["class"].Value] = row.Groups["name"].Value.Replace("\"\"", "\"", StringComparison.Ordinal);
        }

        return names;
    }

    /// <summary>The videos that a file's name may tell of.</summary>
    private static IEnumerable<string> Videos(string name)
    {
        bool IsId(int start) => name.Length == start + IdLength || (name.Length > start + IdLength && name[start + IdLength] == '_');
        if (IsId(0))
            yield return name[..IdLength];
        if (IsId(1) && name[0] == 'Y')
            yield return name[1..(1 + IdLength)];
    }

    [GeneratedRegex("""^\s*(?<video>[^,\s]+)\s*,\s*[\d.]+\s*,\s*[\d.]+\s*,\s*"?(?<classes>[^"]*)"?\s*$""")]
    private static partial Regex Row();

    [GeneratedRegex("""^\d+,(?<class>[^,]+),(?:"(?<name>.*)"|(?<name>[^"]*))\s*$""")]
    private static partial Regex Class();
}
