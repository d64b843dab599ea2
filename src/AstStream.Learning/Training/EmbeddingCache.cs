using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AstStream.Dsp;

namespace AstStream.Learning.Training;

/// <summary>
/// Embeddings of files by their content, in one file that grows: a training that is done again, with other labels or other clips besides,
/// computes only what is new. What is damaged, or cut off, is not read, nor anything after it.
/// </summary>
internal sealed class EmbeddingCache : IDisposable
{
    private const int KeyLength = SHA256.HashSizeInBytes;
    private const int MostWindows = 10_000;
    private const long MostBytes = 1_000_000_000;

    private readonly Dictionary<string, (string Content, float[][] Windows)> _known = new(StringComparer.Ordinal);
    private FileStream? _file; // none where another process writes it
    private readonly int _width;

    /// <summary>Opens the cache, or makes it.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="width">Numbers of an embedding.</param>
    public EmbeddingCache(string path, int width)
    {
        _width = width;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 20);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return; // it works without one
        }

        var good = 0L;
        using (var reader = new BinaryReader(_file, System.Text.Encoding.UTF8, leaveOpen: true))
        {
            while (TryRead(reader, out var key, out var content, out var windows))
            {
                _known[key] = (content, windows);
                good = _file.Position;
            }
        }

        _file.SetLength(good);
        _file.Position = good;
    }

    /// <summary>What a file is known by.</summary>
    public static string KeyOf(string path)
    {
        using var file = RegularFile.Open(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>The embeddings of a file's windows, and what its sound is known by.</summary>
    public bool TryGet(string key, out (string Content, float[][] Windows) found) => _known.TryGetValue(key, out found);

    /// <summary>Keeps a file's embeddings.</summary>
    public void Add(string key, string content, float[][] windows)
    {
        if (!_known.TryAdd(key, (content, windows)) || _file is null || _file.Length > MostBytes)
            return;
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(Convert.FromHexString(key));
        writer.Write(Convert.FromHexString(content));
        writer.Write(windows.Length);
        foreach (var window in windows)
            writer.Write(MemoryMarshal.AsBytes(window.AsSpan()));
        var record = bytes.ToArray();
        try
        {
            _file.Write([.. record, .. SHA256.HashData(record)]);
            _file.Flush(); // a run that is ended early has not computed it for nothing
        }
        catch (IOException)
        {
            Dispose(); // it works without one: a full disk is no reason to stop
        }
    }

    public void Dispose()
    {
        try
        {
            _file?.Dispose();
        }
        catch (IOException)
        {
            // What is not on the disk is computed again.
        }

        _file = null;
    }

    private bool TryRead(BinaryReader reader, out string key, out string content, out float[][] windows)
    {
        (key, content, windows) = ("", "", []);
        var begin = reader.ReadBytes((2 * KeyLength) + sizeof(int));
        if (begin.Length < (2 * KeyLength) + sizeof(int))
            return false;
        var count = BitConverter.ToInt32(begin, 2 * KeyLength);
        if (count is < 1 or > MostWindows)
            return false;
        var values = reader.ReadBytes(count * _width * sizeof(float));
        var check = reader.ReadBytes(KeyLength);
        if (values.Length < count * _width * sizeof(float) || !check.AsSpan().SequenceEqual(SHA256.HashData([.. begin, .. values])))
            return false;
        key = Convert.ToHexStringLower(begin.AsSpan(0, KeyLength));
        content = Convert.ToHexStringLower(begin.AsSpan(KeyLength, KeyLength));
        windows = [.. Enumerable.Range(0, count).Select(
            w => MemoryMarshal.Cast<byte, float>(values.AsSpan(w * _width * sizeof(float), _width * sizeof(float))).ToArray())];
        return true;
    }
}
