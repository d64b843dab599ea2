using System.IO.Compression;
using System.Numerics;
using System.Security.Cryptography;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// A state dict as torch.save writes it: a zip of a pickle and raw storages, or the form before PyTorch 1.6: five pickles, then
/// the storages one after the other.
/// </summary>
internal sealed class TorchFile : ITensorFile
{
    private const int MaxPickle = 4 << 20; // bytes; a state dict of 200 tensors takes 20 KB
    private const int MaxName = 1000; // characters
    private const int MostWrappers = 2; // one in the other
    private const int MostKeys = 6; // that a message names
    private static readonly BigInteger s_legacyMagic = BigInteger.Parse(
        "119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);

    // Where a checkpoint keeps its weights beside other things, such as an optimizer's state.
    private static readonly string[] s_wrappers = ["state_dict", "model", "model_state_dict", "model_state", "weights", "module", "net"];

    private readonly FileStream _file;
    private readonly Dictionary<string, TensorInfo> _infos = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PickledTensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _legacy = new(StringComparer.Ordinal);
    private readonly ZipArchive? _zip;
    private readonly string _prefix = "";
    private (string Key, byte[] Bytes) _last = ("", []);

    public TorchFile(string path)
    {
        Path = path;
        try
        {
            if (File.Exists(path) && new FileInfo(path).Length == 0)
                throw Bad("is empty, or no regular file; expected a state dict as torch.save writes it");
            _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad(e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : $"can't be opened: {e.Message}");
        }

        try
        {
            Span<byte> start = stackalloc byte[4];
            var got = _file.ReadAtLeast(start, 4, throwOnEndOfStream: false);
            _file.Position = 0;
            if (got == 4 && start.SequenceEqual("PK\x03\x04"u8))
            {
                _zip = new ZipArchive(_file, ZipArchiveMode.Read, leaveOpen: true);
                var pickles = _zip.Entries.Where(
                    e => e.FullName.EndsWith("data.pkl", StringComparison.Ordinal) && e.FullName.Count(c => c == '/') <= 1).ToList();
                if (pickles.Count != 1)
                    throw Bad($"a zip with {pickles.Count} entries named data.pkl; expected one, as torch.save writes");
                _prefix = pickles[0].FullName[..^"data.pkl".Length];
                if (_zip.GetEntry(_prefix + "byteorder") is { } order && !Stored(order, 16).AsSpan().SequenceEqual("little"u8))
                    throw Bad("was written on a big-endian machine; expected little-endian storages");
                AddTensors(Unpickler.Load(Stored(pickles[0], MaxPickle), out _));
            }
            else if (got == 4 && start[0] == 0x80)
            {
                AddTensors(ReadLegacy());
            }
            else
            {
                throw Bad("is neither a zip nor a pickle; expected a state dict as torch.save writes it");
            }
        }
        catch (Exception e)
        {
            Dispose();
            throw e is PickleException or InvalidDataException or IOException or NotSupportedException or OverflowException
                ? Bad(e.Message) : e;
        }
    }

    public string Path { get; }

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _infos;

    public float[] Read(string name)
    {
        var tensor = _tensors[name];
        var count = _infos[name].Shape.Aggregate(1, (a, b) => a * b);
        var width = Unpickler.Width(tensor.Storage.DType);
        var isContiguous = IsContiguous(tensor);
        ReadOnlySpan<byte> bytes = ReadStorage(tensor.Storage);
        if (isContiguous)
            bytes = bytes.Slice((int)tensor.Offset * width, count * width);
        var values = TensorInfo.Widen(tensor.Storage.DType, bytes)
            ?? throw Bad($"tensor {name}: {tensor.Storage.DType} numbers; expected floating-point weights");
        if (!isContiguous)
        {
            var storage = values;
            values = new float[count];
            for (var i = 0; i < count; i++)
                values[i] = storage[tensor.Offset + Place(tensor, i)];
        }

        return TensorInfo.NotFinite(name, values) is { } problem ? throw Bad(problem) : values;
    }

    public void AddTo(IncrementalHash hash)
    {
        _file.Position = 0;
        var buffer = new byte[1 << 20];
        for (int got; (got = _file.Read(buffer)) > 0;)
            hash.AppendData(buffer.AsSpan(0, got));
    }

    public void Dispose()
    {
        _zip?.Dispose();
        _file.Dispose();
    }

    /// <summary>
    /// Magic number, protocol, the writer's system, the object, the storages' keys; then each storage with its length in front.
    /// </summary>
    private object? ReadLegacy()
    {
        var start = new byte[Math.Min(_file.Length, MaxPickle)];
        _file.ReadExactly(start);
        var at = 0;
        var storages = new Dictionary<string, PickledStorage>(StringComparer.Ordinal);
        object? Next()
        {
            var value = Unpickler.Load(start.AsSpan(at), out var length, storages);
            at += length;
            return value;
        }

        if (Next() is not BigInteger magic || magic != s_legacyMagic)
            throw Bad("is a pickle, but none that torch.save writes");
        if (Next() is not 1001L)
            throw Bad("was written in another protocol than PyTorch's 1001");
        if (Next() is PickledDictionary system && system.Items.Any(i => i is ("little_endian", false)))
            throw Bad("was written on a big-endian machine; expected little-endian storages");
        var result = Next();
        if (Next() is not List<object?> keys)
            throw Bad("has no list of storages after its tensors");
        long position = at;
        var number = new byte[8];
        foreach (var key in keys)
        {
            if (key is not string text || !storages.TryGetValue(text, out var storage) || _legacy.ContainsKey(text))
                throw Bad("lists a storage twice, or one that nothing refers to");
            _file.Position = position;
            _file.ReadExactly(number);
            var count = BitConverter.ToInt64(number);
            var bytes = (Int128)count * Unpickler.Width(storage.DType);
            if (count != storage.Count || bytes < 0 || position + 8 + bytes > _file.Length)
                throw Bad($"storage {text} has {count} elements at byte {position}; expected {storage.Count}, and all of them within the "
                    + $"file's {_file.Length} bytes. Is it whole?");
            _legacy.Add(text, position + 8);
            position += 8 + (long)bytes;
        }

        return result;
    }

    private void AddTensors(object? value)
    {
        var items = (value as PickledDictionary)?.Items ?? throw Bad("holds no dictionary; expected a state dict");
        for (var depth = 0; depth < MostWrappers && !items.Any(i => i.Value is PickledTensor); depth++)
            items = items.Where(i => i.Key is string key && s_wrappers.Contains(key))
                .Select(i => (i.Value as PickledDictionary)?.Items).FirstOrDefault(i => i is not null) ?? items;
        foreach (var (key, item) in items)
        {
            if (key is not string name || item is not PickledTensor tensor)
                continue;
            if (name.Length > MaxName)
                throw Bad($"a tensor's name has {name.Length} characters; expected at most {MaxName}");
            _infos[name] = Check(name, tensor);
            _tensors[name] = tensor;
        }

        if (_tensors.Count == 0)
            throw Bad($"holds no tensors by name, but {Keys(items)}; expected a state dict, alone or under one of "
                + $"{string.Join(", ", s_wrappers)}");
    }

    private static string Keys(List<(object? Key, object? Value)> items) =>
        items.Count == 0 ? "nothing" : string.Join(
            ", ", items.Take(MostKeys).Select(i => i.Key is string key ? key[..Math.Min(key.Length, 60)] : "a key that is no text"));

    private TensorInfo Check(string name, PickledTensor tensor)
    {
        var (storage, offset, size, stride) = tensor;
        if (size.Length != stride.Length)
            throw Bad($"tensor {name}: {size.Length} dimensions with {stride.Length} strides; expected as many");
        Int128 count = 1, last = offset;
        for (var i = 0; i < size.Length; i++)
        {
            count *= size[i];
            last += (Int128)Math.Max(0, size[i] - 1) * stride[i];
            if (count > Array.MaxLength / 4 || last > int.MaxValue)
                throw Bad($"tensor {name}: shape [{string.Join(", ", size)}] with strides [{string.Join(", ", stride)}]; expected a "
                    + $"sensible size");
        }

        if (count == 0 || count > storage.Count)
            throw Bad($"tensor {name}: shape [{string.Join(", ", size)}] over a storage of {storage.Count} elements; expected at least "
                + $"one element, and each in a place of its own");
        if (offset < 0 || last >= storage.Count)
            throw Bad($"tensor {name}: reaches to element {last} of storage {storage.Key}, which has {storage.Count}");
        var bytes = (Int128)storage.Count * Unpickler.Width(storage.DType);
        if (_zip is null)
        {
            if (!_legacy.ContainsKey(storage.Key))
                throw Bad($"tensor {name}: storage {storage.Key} is not in the file; is it whole?");
        }
        else if (Entry(storage).Length != bytes)
        {
            throw Bad($"tensor {name}: storage {storage.Key} has {Entry(storage).Length} bytes; expected {bytes}, {storage.Count} "
                + $"elements of {storage.DType}");
        }

        return new TensorInfo(storage.DType, [.. size.Select(s => (int)s)]);
    }

    private static bool IsContiguous(PickledTensor tensor)
    {
        long expected = 1;
        for (var axis = tensor.Size.Length - 1; axis >= 0; axis--)
        {
            if (tensor.Size[axis] != 1 && tensor.Stride[axis] != expected)
                return false;
            expected *= tensor.Size[axis];
        }

        return true;
    }

    /// <summary>Where element <paramref name="index"/>, counted row-major, stands after the tensor's offset.</summary>
    private static long Place(PickledTensor tensor, long index)
    {
        long at = 0;
        for (var axis = tensor.Size.Length - 1; axis >= 0; axis--)
        {
            at += index % tensor.Size[axis] * tensor.Stride[axis];
            index /= tensor.Size[axis];
        }

        return at;
    }

    private ZipArchiveEntry Entry(PickledStorage storage) =>
        _zip!.GetEntry($"{_prefix}data/{storage.Key}") ?? throw Bad($"has no entry {_prefix}data/{storage.Key}; is it whole?");

    private byte[] ReadStorage(PickledStorage storage)
    {
        if (_last.Key == storage.Key && _last.Bytes.Length > 0)
            return _last.Bytes;
        byte[] bytes;
        try
        {
            if (_zip is not null)
            {
                bytes = Stored(Entry(storage), int.MaxValue);
            }
            else
            {
                bytes = new byte[checked((int)(storage.Count * Unpickler.Width(storage.DType)))];
                _file.Position = _legacy[storage.Key];
                _file.ReadExactly(bytes);
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OverflowException)
        {
            throw Bad($"storage {storage.Key} can't be read: {e.Message}");
        }

        _last = (storage.Key, bytes);
        return bytes;
    }

    /// <summary>An entry's bytes. PyTorch compresses nothing: a small file that says it holds gigabytes is not believed.</summary>
    private byte[] Stored(ZipArchiveEntry entry, long most)
    {
        if (entry.CompressedLength != entry.Length || entry.Length > most || entry.Length > _file.Length)
            throw Bad($"entry {entry.FullName}: {entry.Length} bytes from {entry.CompressedLength} in the file; expected it stored as it "
                + $"is, with at most {Math.Min(most, _file.Length)}");
        var bytes = new byte[entry.Length];
        using var stream = entry.Open();
        stream.ReadExactly(bytes);
        return Crc32.Of(bytes) == entry.Crc32
            ? bytes : throw Bad($"entry {entry.FullName}: its checksum is not the one that the file says; it is damaged");
    }

    private InvalidCheckpointException Bad(string what) => new($"{Path}: {what.ReplaceLineEndings(" ")}");
}
