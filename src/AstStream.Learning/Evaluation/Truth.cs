namespace AstStream.Learning.Evaluation;

/// <summary>What is there, as people wrote it down.</summary>
/// <param name="Files">
/// The files that somebody listened to, by their names without folder and extension; also those without an event.
/// </param>
/// <param name="Events">The events in them.</param>
public sealed record Truth(IReadOnlySet<string> Files, IReadOnlyList<TimedLabel> Events)
{
    private static readonly string[] s_tables = [".txt", ".tsv", ".csv"];

    /// <summary>
    /// Reads a table, or all tables of a folder. Forms: DCASE's and sed_eval's (onset, offset, label, after a file name or without one,
    /// with column names or without), Audacity's labels, Raven's selection tables. Between columns stand tabs, commas or semicolons. A
    /// table without file names is about the file of its own name.
    /// </summary>
    /// <exception cref="InvalidTruthException">A line is none of these; says which.</exception>
    public static Truth Read(string path)
    {
        List<string> tables = Directory.Exists(path)
            ? [.. Directory.EnumerateFiles(path)
                .Where(f => s_tables.Contains(Path.GetExtension(f).ToLowerInvariant())).Order(StringComparer.Ordinal)]
            : [path];
        if (tables.Count == 0)
            throw new InvalidTruthException($"{path}: holds no table; expected {string.Join(", ", s_tables)}, not in folders of its own");
        var (files, events) = (new HashSet<string>(StringComparer.Ordinal), new List<TimedLabel>());
        foreach (var table in tables)
        {
            try
            {
                new TruthTable(table, files, events).Read(File.ReadLines(table));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InvalidTruthException($"{table}: can't be read: {e.Message}");
            }
        }

        return new Truth(files, [.. events.Distinct()]); // Raven has a line for each view of a selection
    }

    /// <summary>A file's name without folder and extension: as tables and streams are brought together.</summary>
    public static string NameOf(string file)
    {
        var name = file[(file.LastIndexOfAny(['/', '\\']) + 1)..];
        var dot = name.LastIndexOf('.');
        return dot > 0 && name.Length - dot <= 5 ? name[..dot] : name;
    }
}
