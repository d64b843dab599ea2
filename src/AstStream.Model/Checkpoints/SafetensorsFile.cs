using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// One .safetensors file: eight bytes of header length, a JSON header of dtypes, shapes and offsets, then the tensors' bytes.
/// The header is checked as strictly as the reference implementation checks it: no overlap, no hole, nothing after the end.
/// </summary>
internal sealed class SafetensorsFile : ITensorFile
{
    private const long MaxHeader = 100_000_000; // the reference implementation's limit

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly long _dataStart;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> _infos = new(StringComparer.Ordinal);

    public SafetensorsFile(string path)
    {
        _path = path;
        try
        {
            if (File.Exists(path) && new FileInfo(path).Length == 0)
                throw Bad("0 bytes, or no regular file; expected a safetensors file, at least 8");
            _file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Bad(e is FileNotFoundException or DirectoryNotFoundException ? "no such file" : $"can't be opened: {e.Message}");
        }

        try
        {
            _dataStart = ReadHeader();
            foreach (var (name, tensor) in _tensors)
                _infos.Add(name, tensor);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _infos;

    public string Path => _path;

    /// <summary>Reads a floating-point tensor as float32; every value must be finite.</summary>
    public float[] Read(string name)
    {
        var tensor = _tensors[name];
        var bytes = new byte[tensor.Bytes];
        ReadExactly(bytes, _dataStart + tensor.Begin);
        var values = TensorInfo.Widen(
            tensor.DType, bytes) ?? throw Bad($"tensor {name}: {tensor.DType} numbers; expected floating-point weights");
        return TensorInfo.NotFinite(name, values) is { } problem ? throw Bad(problem) : values;
    }

    /// <summary>Adds the whole file, read through the handle that the weights are read through.</summary>
    public void AddTo(IncrementalHash hash)
    {
        var buffer = new byte[1 << 20];
        var length = RandomAccess.GetLength(_file);
        for (long at = 0; at < length;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at));
            ReadExactly(part, at);
            hash.AppendData(part);
            at += part.Length;
        }
    }

    public void Dispose() => _file.Dispose();

    private long ReadHeader()
    {
        var length = RandomAccess.GetLength(_file);
        if (length < 8)
            throw Bad($"{length} bytes; expected a safetensors file, at least 8");
        Span<byte> prefix = stackalloc byte[8];
        ReadExactly(prefix, 0);
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerLength > (ulong)(length - 8))
            throw Bad($"the header says that it is {headerLength} bytes long, the file has {length - 8} after it; is it a safetensors "
                + $"file, and whole?");
        if (headerLength > MaxHeader)
            throw Bad($"a header of {headerLength} bytes; expected at most {MaxHeader}");
        var header = new byte[headerLength];
        ReadExactly(header, 8);
        var dataStart = 8 + (long)headerLength;
        try
        {
            foreach (var (name, tensor) in Parse(header, length - dataStart))
                _tensors.Add(name, tensor);
            return dataStart;
        }
        catch (FormatException e)
        {
            throw Bad(e.Message);
        }
    }

    /// <summary>The tensors of a header.</summary>
    /// <param name="header">The JSON text.</param>
    /// <param name="available">Bytes after it.</param>
    /// <exception cref="FormatException">It is wrong; the message does not name the file.</exception>
    internal static Dictionary<string, Tensor> Parse(ReadOnlyMemory<byte> header, long available)
    {
        if (!Utf8.IsValid(header.Span))
            throw Wrong("the header is not valid UTF-8");
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            using var json = JsonDocument.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw Wrong("the header is no JSON object");
            foreach (var entry in json.RootElement.EnumerateObject())
            {
                if (entry.Name == "__metadata__")
                {
                    if (entry.Value.ValueKind != JsonValueKind.Object
                        || entry.Value.EnumerateObject().Any(e => e.Value.ValueKind != JsonValueKind.String))
                        throw Wrong("__metadata__ in the header is no object of strings");
                }
                else if (!tensors.TryAdd(entry.Name, ReadTensor(entry, available)))
                {
                    throw Wrong($"tensor {entry.Name} stands twice in the header");
                }
            }
        }
        catch (JsonException e)
        {
            throw Wrong($"the header is not valid JSON at byte {8 + e.BytePositionInLine}");
        }
        catch (InvalidOperationException)
        {
            throw Wrong("the header holds text that is not valid Unicode"); // half a surrogate pair
        }

        long end = 0;
        var before = "the header";
        foreach (var (name, tensor) in tensors.OrderBy(t => t.Value.Begin).ThenBy(t => t.Value.Bytes))
        {
            if (tensor.Begin != end)
                throw Wrong($"tensor {name} begins at byte {tensor.Begin}, {(tensor.Begin < end ? "inside" : "with a hole after")} "
                    + $"{before}, which ends at {end}");
            end = tensor.Begin + tensor.Bytes;
            before = $"tensor {name}";
        }

        return end == available ? tensors : throw Wrong($"{available - end} bytes after the last tensor; expected none");
    }

    private static Tensor ReadTensor(JsonProperty entry, long available)
    {
        var name = entry.Name;
        if (entry.Value.ValueKind != JsonValueKind.Object
            || !entry.Value.TryGetProperty("dtype", out var dtype) || dtype.ValueKind != JsonValueKind.String
            || !entry.Value.TryGetProperty("shape", out var dims) || dims.ValueKind != JsonValueKind.Array
            || !entry.Value.TryGetProperty("data_offsets", out var offsets) || offsets.ValueKind != JsonValueKind.Array
                || offsets.GetArrayLength() != 2)
            throw Wrong($"tensor {name}: expected dtype, shape and two data_offsets in the header");
        var width = dtype.GetString() switch
        {
            "F64" or "I64" or "U64" => 8,
            "F32" or "I32" or "U32" => 4,
            "F16" or "BF16" or "I16" or "U16" => 2,
            "BOOL" or "I8" or "U8" or "F8_E4M3" or "F8_E5M2" or "F8_E8M0" => 1,
            var other => throw Wrong($"tensor {name}: dtype {other}; expected F64, F32, F16 or BF16 for weights"),
        };
        if (dims.GetArrayLength() > 8)
            throw Wrong($"tensor {name}: a shape of {dims.GetArrayLength()} dimensions; expected at most 8");
        var shape = new int[dims.GetArrayLength()];
        long count = 1;
        for (var i = 0; i < shape.Length; i++)
        {
            if (dims[i].ValueKind != JsonValueKind.Number || !dims[i].TryGetInt32(
                out shape[i]) || shape[i] < 0 || (count *= shape[i]) > Array.MaxLength / 8)
                throw Wrong($"tensor {name}: shape {ConfigReader.Shortened(dims)}; expected whole numbers of a sensible size");
        }

        if (offsets[0].ValueKind != JsonValueKind.Number || !offsets[0].TryGetInt64(out var begin)
            || offsets[1].ValueKind != JsonValueKind.Number || !offsets[1].TryGetInt64(out var end) || begin < 0 || end < begin
                || end > available)
            throw Wrong($"tensor {name}: data_offsets {ConfigReader.Shortened(offsets)}; expected two ascending offsets of at most "
                + $"{available}, where the file ends");
        if (end - begin != count * width)
            throw Wrong($"tensor {name}: {end - begin} bytes for shape {ConfigReader.Shortened(dims)} in {dtype.GetString()}; expected "
                + $"{count * width}");
        return new Tensor(dtype.GetString()!, shape, begin, (int)count, (int)(end - begin));
    }

    private void ReadExactly(Span<byte> bytes, long offset)
    {
        try
        {
            while (bytes.Length > 0)
            {
                var got = RandomAccess.Read(_file, bytes, offset);
                if (got == 0)
                    throw Bad($"the file ends at byte {offset}; it became shorter while it was read");
                bytes = bytes[got..];
                offset += got;
            }
        }
        catch (IOException e)
        {
            throw Bad($"reading failed at byte {offset}: {e.Message}");
        }
    }

    private static FormatException Wrong(string what) => new(what);

    private InvalidCheckpointException Bad(string what) => new($"{_path}: {what}");

    /// <summary>One tensor's place: its dtype; offset after the header; elements and bytes.</summary>
    internal sealed record Tensor(string DType, int[] Shape, long Begin, int Count, int Bytes) : TensorInfo(DType, Shape);
}
