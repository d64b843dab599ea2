using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AstStream.Dsp;
using AstStream.Events.Json;

namespace AstStream.Connectors.Files;

/// <summary>
/// Which files of a watched folder are done, in a text file, a JSON object a line: a run that is stopped or killed goes on after them. A
/// line that a crash cut short is left out. Any thread may add to it.
/// </summary>
internal sealed class FileLedger
{
    private const string Done = "done";

    private static readonly JsonSerializerOptions s_json = new() { Encoder = JsonText.Encoder };

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long Size, bool IsGood)> _files = new(StringComparer.Ordinal);

    private FileLedger(string path, TimeProvider time) => (_path, _time) = (path, time);

    /// <summary>How many files it has.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _files.Count;
        }
    }

    /// <summary>Reads a ledger; one that is not there is empty.</summary>
    /// <exception cref="IOException">It can't be read or written to, or is something else.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public static FileLedger Open(string path, TimeProvider time)
    {
        var ledger = new FileLedger(path, time);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (UnixFile.Of(path) is { IsRegular: false })
            throw new IOException("it is no ordinary file");
        using var stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        var end = EndOfLines(stream);
        var isCut = end < stream.Length;
        using var reader = new StreamReader(stream, new UTF8Encoding(false));
        var number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (isCut && reader.EndOfStream && line.StartsWith('{'))
                break;
            try
            {
                var entry = JsonNode.Parse(line)!;
                ledger._files[(string)entry["file"]!] = ((long)entry["size"]!, (string)entry["state"]! == Done);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException or ArgumentException
                or FormatException)
            {
                throw new IOException(
                    $"{path}: line {number} is no entry of a ledger; expected the file that a source with watch: true made, or none");
            }
        }

        if (isCut)
            stream.SetLength(end);
        return ledger;
    }

    /// <summary>A file's name as JSON can have it: one that is no UTF-8 as its bytes.</summary>
    private static string Key(string file) =>
        UnixName.HasEscapes(file) ? $"bytes:{Convert.ToHexStringLower(UnixName.Bytes(file)[..^1])}" : file;

    /// <summary>Where the last whole line ends: a crash may have cut the next one short. The stream is at its start again.</summary>
    private static long EndOfLines(FileStream stream)
    {
        const int longest = 65_536; // bytes of a line
        var tail = new byte[Math.Min(longest, stream.Length)];
        stream.Position = stream.Length - tail.Length;
        stream.ReadExactly(tail);
        stream.Position = 0;
        return stream.Length - tail.Length + Array.LastIndexOf(tail, (byte)'\n') + 1;
    }

    /// <summary>Whether a file of this length is done: one that could not be read is tried again when it has changed.</summary>
    public bool Has(string file, long size)
    {
        lock (_lock)
            return _files.TryGetValue(Key(file), out var known) && (known.IsGood || known.Size == size);
    }

    /// <summary>Adds a file that is done.</summary>
    /// <param name="file">The file.</param>
    /// <param name="size">Its length when it was begun.</param>
    /// <param name="isGood">Whether it could be read.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be.</exception>
    public void Add(string file, long size, bool isGood)
    {
        var line = new JsonObject
        {
            ["file"] = Key(file),
            ["size"] = size,
            ["state"] = isGood ? Done : "failed",
            ["time"] = _time.GetUtcNow().UtcDateTime,
        }.ToJsonString(s_json) + "\n";
        lock (_lock)
        {
            using (var ledger = AppendedFile.Open(_path))
                ledger.Append(Encoding.UTF8.GetBytes(line)); // all of it, or nothing
            _files[Key(file)] = (size, isGood);
        }
    }
}
