using System.Globalization;

namespace AstStream.Learning.Evaluation;

/// <summary>Reads one table of <see cref="Truth"/>.</summary>
internal sealed class TruthTable
{
    private static readonly string[] s_file = ["filename", "file", "audio_filename", "begin file", "begin path"];
    private static readonly string[] s_onset = ["onset", "event_onset", "start", "begin time (s)", "start_time"];
    private static readonly string[] s_offset = ["offset", "event_offset", "end", "end time (s)", "end_time"];
    private static readonly string[] s_label = ["event_label", "label", "annotation", "species", "common name", "category", "class", "tag"];

    private static readonly char[] s_separators = ['\t', ';', ','];

    private readonly string _path;
    private readonly string _own; // the file that a table without file names is about
    private readonly HashSet<string> _files;
    private readonly List<TimedLabel> _events;
    private (int File, int Onset, int Offset, int Label)? _columns;
    private char _separator = '\t';

    /// <param name="path">The table.</param>
    /// <param name="files">Gets the files that it is about.</param>
    /// <param name="events">Gets the events.</param>
    public TruthTable(string path, HashSet<string> files, List<TimedLabel> events)
    {
        (_path, _files, _events) = (path, files, events);
        _own = Path.GetFileName(path);

        // Raven calls the table of day.wav day.Table.1.selections.txt.
        var raven = _own.IndexOf(".Table.", StringComparison.Ordinal);
        _own = Truth.NameOf(raven > 0 ? _own[..raven] : _own);
    }

    public void Read(IEnumerable<string> lines)
    {
        var number = 0;
        var isEmpty = true;
        foreach (var line in lines)
        {
            number++;
            if (line.Trim().Length == 0 || line[0] is '#' or '\\') // Audacity: the frequencies of the label before
                continue;
            if (isEmpty)
                _separator = s_separators.FirstOrDefault(s => ClipDataset.Cells(line, s).Count > 1, '\t');
            string[] cells = [.. ClipDataset.Cells(line.TrimEnd('\r'), _separator)];
            if (!isEmpty || !TakeHead(cells))
                Add(cells, number);
            isEmpty = false;
        }

        if (_columns is not { File: >= 0 })
            _files.Add(_own);
    }

    /// <summary>Whether the first line names columns, or it says by its cells which are there.</summary>
    private bool TakeHead(string[] cells)
    {
        string[] names = [.. cells.Select(c => c.ToLowerInvariant())];
        int Find(string[] known) => Array.FindIndex(names, known.Contains);
        var (file, onset, offset, label) = (Find(s_file), Find(s_onset), Find(s_offset), Find(s_label));
        if (onset >= 0 && offset >= 0 && label >= 0)
        {
            _columns = (file, onset, offset, label);
            return true;
        }

        _columns = cells.Length >= 3 && IsNumber(cells[0]) && IsNumber(cells[1]) ? (-1, 0, 1, 2)
            : cells.Length >= 4 && IsNumber(cells[1]) && IsNumber(cells[2]) ? (0, 1, 2, 3)
            : cells.Length == 1 && ClipDataset.IsSound(cells[0]) ? (0, 1, 2, 3) // DCASE: a file without an event comes first
            : throw new InvalidTruthException(
                $"{_path}: found '{string.Join(" | ", cells)}' in its first line; expected onset, offset and label, or a file name "
                    + "before them, or a line that names these columns");
        return false;
    }

    private void Add(string[] cells, int number)
    {
        var (file, onset, offset, label) = _columns!.Value;
        string Cell(int column) => column < cells.Length ? cells[column] : "";
        var name = file >= 0 ? Truth.NameOf(Cell(file)) : _own;
        if (file >= 0 && name.Length == 0)
            throw new InvalidTruthException($"{_path}:{number}: there is no file name; expected one in column {file + 1}");
        _files.Add(name);
        if (file >= 0 && Cell(onset).Length == 0 && Cell(label).Length == 0)
            return; // DCASE: a file without an event
        var (begin, end) = (Seconds(Cell(onset), onset, number), Seconds(Cell(offset), offset, number));
        if (end < begin)
            throw new InvalidTruthException($"{_path}:{number}: the offset, {Cell(offset)}, is before the onset, {Cell(onset)}");
        if (Cell(label).Length == 0)
            throw new InvalidTruthException($"{_path}:{number}: there is no label; expected one in column {label + 1}");
        _events.Add(new TimedLabel(name, Cell(label), begin, end));
    }

    private double Seconds(string cell, int column, int number) =>
        double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 0 and < 1e9 ? seconds
            : throw new InvalidTruthException(
                $"{_path}:{number}: found '{cell}' in column {column + 1}; expected seconds from the file's start");

    private static bool IsNumber(string cell) => double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
