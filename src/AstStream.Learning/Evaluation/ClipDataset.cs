using System.IO.Enumeration;

namespace AstStream.Learning.Evaluation;

/// <summary>Reads data sets of labelled clips.</summary>
public static class ClipDataset
{
    private const string SpeakerMark = "_nohash_"; // Speech Commands: what is before it names the speaker

    private static readonly string[] s_sounds = [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus"];
    private static readonly string[] s_file = ["filename", "file", "path"];
    private static readonly string[] s_labels = ["category", "label", "labels", "class"];
    private static readonly string[] s_group = ["src_file", "group", "source", "speaker", "fsid"];

    /// <summary>
    /// Reads a table with a row a clip, one of AudioSet's, ESC-50's folder (meta/esc50.csv beside audio), or a folder with a folder a
    /// label, of which testing_list.txt, where it is there, names the clips (Speech Commands).
    /// </summary>
    /// <param name="path">The table or the folder.</param>
    /// <param name="note">Receives what is left out.</param>
    /// <param name="isTraining">Whether the clips that testing_list.txt names are left out, not the others.</param>
    /// <exception cref="InvalidTruthException">It is none of these; says what was expected.</exception>
    public static IReadOnlyList<LabelledClip> Read(string path, Action<string> note, bool isTraining = false)
    {
        if (File.Exists(path))
        {
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            var lines = File.ReadAllLines(path);
            if (AudioSetTable.Is(lines))
                return AudioSetTable.Read(path, lines, note);
            return Path.GetFileName(path) == "esc50.csv" && Directory.Exists(Path.Combine(folder, "..", "audio"))
                ? Table(path, lines, Path.GetFullPath(Path.Combine(folder, "..", "audio"))) : Table(path, lines, folder);
        }

        var esc50 = Path.Combine(path, "meta", "esc50.csv");
        if (File.Exists(esc50))
            return Table(esc50, File.ReadAllLines(esc50), Path.Combine(path, "audio"));
        if (!Directory.Exists(path))
            throw new InvalidTruthException($"{path}: there is no such file or folder");
        var list = Path.Combine(path, "testing_list.txt");
        List<string> listed = File.Exists(list)
            ? [.. File.ReadLines(list).Where(l => l.Trim().Length > 0).Select(l => Path.Combine(path, l.Trim()))] : [];
        List<string> files = listed.Count > 0 && !isTraining ? listed
            : [.. Directory.EnumerateDirectories(path).SelectMany(Directory.EnumerateFiles).Where(IsSound).Order(StringComparer.Ordinal)];
        if (isTraining && listed.Count > 0)
        {
            files = [.. files.Except(listed, StringComparer.Ordinal)];
            note($"the {listed.Count} clips of {list} are left out: they are for measuring");
        }

        LabelledClip[] clips = [.. files.Select(OfFolder)];
        return clips.Length > 0 ? clips : throw new InvalidTruthException(
            $"{path}: expected a table, meta/esc50.csv, or a folder a label with sound ({string.Join(", ", s_sounds)})");
    }

    /// <summary>The sound in a folder and its folders, in order; links to folders are not followed, as they may lead back up.</summary>
    public static IReadOnlyList<string> SoundBelow(string folder)
    {
        var files = new FileSystemEnumerable<string>(
            folder, (ref FileSystemEntry e) => e.ToSpecifiedFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None })
        {
            ShouldIncludePredicate = (ref FileSystemEntry e) => !e.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry e) => !e.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        return [.. files.Where(IsSound).Order(StringComparer.Ordinal)];
    }

    /// <summary>Whether a file is sound, by its extension.</summary>
    public static bool IsSound(string file) => s_sounds.Contains(Path.GetExtension(file).ToLowerInvariant());

    private static LabelledClip OfFolder(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var speaker = name.IndexOf(SpeakerMark, StringComparison.Ordinal);
        var label = Path.GetFileName(Path.GetDirectoryName(file)!);
        return new LabelledClip(file, [label], speaker > 0 ? name[..speaker] : $"{label}/{Path.GetFileName(file)}", "");
    }

    private static List<LabelledClip> Table(string path, string[] lines, string folder)
    {
        if (lines.Length == 0)
            throw new InvalidTruthException($"{path}: is empty; expected a line that names columns, and a row a clip");
        var separator = lines[0].Contains('\t') ? '\t' : ',';
        string[] names = [.. Cells(lines[0], separator).Select(c => c.ToLowerInvariant())];
        int Find(string[] known) => Array.FindIndex(names, known.Contains);
        var (file, labels, group, fold) = (Find(s_file), Find(s_labels), Find(s_group), Array.IndexOf(names, "fold"));
        if (file < 0 || labels < 0)
            throw new InvalidTruthException(
                $"{path}: found the columns {string.Join(", ", names)}; expected {string.Join(" or ", s_file)}, and "
                    + $"{string.Join(" or ", s_labels)}");
        var clips = new List<LabelledClip>();
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i].Trim().Length == 0)
                continue;
            var cells = Cells(lines[i], separator);
            string Cell(int column) => column >= 0 && column < cells.Count ? cells[column] : "";
            string[] found = Cell(labels).Split([';', '|'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (Cell(file).Length == 0 || found.Length == 0)
                throw new InvalidTruthException(
                    $"{path}:{i + 1}: found '{string.Join(" | ", cells)}'; expected a file in column {file + 1} and a label in column "
                        + $"{labels + 1}");
            clips.Add(new LabelledClip(
                Path.Combine(folder, Cell(file)), found, Cell(group) is { Length: > 0 } g ? g : Cell(file), Cell(fold)));
        }

        return clips.Count > 0 ? clips : throw new InvalidTruthException($"{path}: names no clip");
    }

    /// <summary>The cells of a line: in quotes a separator is text, and two quotes are one (RFC 4180).</summary>
    /// <summary>The cells of a line, as RFC 4180 quotes them.</summary>
    internal static List<string> Cells(string line, char separator)
    {
        var (cells, cell, isQuoted) = (new List<string>(), new System.Text.StringBuilder(), false);
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"' && isQuoted && i + 1 < line.Length && line[i + 1] == '"')
                cell.Append(line[i++]);
            else if (line[i] == '"' && (isQuoted || string.IsNullOrWhiteSpace(cell.ToString())))
                isQuoted = !isQuoted;
            else if (line[i] == separator && !isQuoted)
                End();
            else
                cell.Append(line[i]);
        }

        End();
        return cells;

        void End()
        {
            cells.Add(cell.ToString().Trim());
            cell.Clear();
        }
    }
}
