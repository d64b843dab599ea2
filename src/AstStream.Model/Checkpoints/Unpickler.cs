using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// Reads the pickles of PyTorch's state dicts, and nothing else: dictionaries, lists, tuples, texts and numbers, and the handful of names
/// below. A pickle is a program; here none of it is ever run. Every other name is refused. (Opcodes: Python's pickletools.)
/// </summary>
internal ref struct Unpickler
{
    private const int MaxDimensions = 8;
    private const int MaxKey = 100; // characters

    private static readonly Dictionary<string, string> s_storages = new(StringComparer.Ordinal)
    {
        ["FloatStorage"] = "F32",
        ["HalfStorage"] = "F16",
        ["BFloat16Storage"] = "BF16",
        ["DoubleStorage"] = "F64",
        ["LongStorage"] = "I64",
        ["IntStorage"] = "I32",
        ["ShortStorage"] = "I16",
        ["CharStorage"] = "I8",
        ["ByteStorage"] = "U8",
        ["BoolStorage"] = "BOOL",
    };

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly PickleStack _stack = new();
    private readonly Dictionary<string, PickledStorage> _storages;

    private Unpickler(ReadOnlySpan<byte> bytes, Dictionary<string, PickledStorage> storages)
    {
        _bytes = bytes;
        _storages = storages;
        Budget = bytes.Length;
    }

    private enum Name
    {
        OrderedDict,
        RebuildTensor,
        RebuildTensorV2,
        RebuildParameter,
        Size,
    }

    private int Position { get; set; }

    /// <summary>Values that may still be copied out of lists and tuples: a short pickle can name a long list over and over.</summary>
    private int Budget { get; set; }

    /// <summary>Reads one pickle from the front of some bytes.</summary>
    /// <param name="bytes">The pickle, and what may come after it.</param>
    /// <param name="length">How many bytes it took.</param>
    /// <param name="storages">Receives every storage that it refers to, by key.</param>
    /// <exception cref="PickleException">It is broken, or is no state dict.</exception>
    public static object? Load(ReadOnlySpan<byte> bytes, out int length, Dictionary<string, PickledStorage>? storages = null)
    {
        var reader = new Unpickler(bytes, storages ?? new(StringComparer.Ordinal));
        var result = reader.Run();
        length = reader.Position;
        return result;
    }

    /// <summary>Bytes of one element; 0 for a type that is not known.</summary>
    public static int Width(string dtype) => dtype switch
    {
        "F64" or "I64" => 8,
        "F32" or "I32" => 4,
        "F16" or "BF16" or "I16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => 0,
    };

    private object? Run()
    {
        while (true)
        {
            var at = Position;
            var op = Byte();
            switch ((char)op)
            {
                case '.':
                    return _stack.Result(at);
                case '\x80': // PROTO
                    if (Byte() is var version and > 5)
                        throw Bad(at, $"pickle protocol {version}; expected at most 5");
                    break;
                case '\x95': // FRAME
                    Take(8);
                    break;
                case '(':
                    _stack.Mark();
                    break;
                case '0':
                    _stack.Pop(at);
                    break;
                case '1':
                    _stack.PopToMark(at);
                    break;
                case 'N':
                    Push(null);
                    break;
                case '\x88':
                    Push(true);
                    break;
                case '\x89':
                    Push(false);
                    break;
                case 'J':
                    Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                    break;
                case 'K':
                    Push((long)Byte());
                    break;
                case 'M':
                    Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                    break;
                case '\x8a': // LONG1
                    PushLong(Take(Byte()));
                    break;
                case 'G':
                    Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                    break;
                case 'X':
                    Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                    break;
                case '\x8c': // SHORT_BINUNICODE
                    Push(Text(Byte()));
                    break;
                case 'U': // SHORT_BINSTRING, of Python 2
                    Push(Text(Byte()));
                    break;
                case 'T':
                    Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                    break;
                case ']':
                    Push(new List<object?>());
                    break;
                case 'a':
                    var item = _stack.Pop(at);
                    _stack.Top<List<object?>>(at, "a list").Add(item);
                    break;
                case 'e':
                    var items = _stack.PopToMark(at);
                    _stack.Top<List<object?>>(at, "a list").AddRange(items);
                    break;
                case '}':
                    Push(new PickledDictionary());
                    break;
                case 's':
                    var value = _stack.Pop(at);
                    var key = _stack.Pop(at);
                    _stack.Top<PickledDictionary>(at, "a dictionary").Items.Add((key, value));
                    break;
                case 'u':
                    SetItems(at, _stack.PopToMark(at));
                    break;
                case ')':
                    Push(Array.Empty<object?>());
                    break;
                case 't':
                    Push(_stack.PopToMark(at));
                    break;
                case '\x85':
                    Push(_stack.PopMany(at, 1));
                    break;
                case '\x86':
                    Push(_stack.PopMany(at, 2));
                    break;
                case '\x87':
                    Push(_stack.PopMany(at, 3));
                    break;
                case 'q':
                    _stack.Remember(at, Byte());
                    break;
                case 'r':
                    _stack.Remember(at, BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                    break;
                case '\x94': // MEMOIZE
                    _stack.Remember(at, _stack.Kept);
                    break;
                case 'h':
                    _stack.Recall(at, Byte());
                    break;
                case 'j':
                    _stack.Recall(at, BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                    break;
                case 'c':
                    Push(Global(at, Line(), Line()));
                    break;
                case '\x93': // STACK_GLOBAL
                    var name = _stack.PopText(at);
                    Push(Global(at, _stack.PopText(at), name));
                    break;
                case 'R':
                    var arguments = _stack.Pop(at) as object?[] ?? throw Bad(at, "calls something without a tuple of arguments");
                    Push(Call(at, _stack.Pop(at), arguments));
                    break;
                case 'b': // BUILD: a dictionary's attributes (_metadata) say nothing of its items
                    _stack.Pop(at);
                    _stack.Top<PickledDictionary>(at, "a dictionary");
                    break;
                case 'Q':
                    Push(Storage(at, _stack.Pop(at)));
                    break;
                default:
                    throw Bad(at, $"opcode 0x{op:x2}, which a state dict does not need");
            }
        }
    }

    private static object Global(int at, string module, string name)
    {
        if (module == "torch" && s_storages.TryGetValue(name, out var dtype))
            return dtype;
        return (module, name) switch
        {
            ("collections", "OrderedDict") => Name.OrderedDict,
            ("torch._utils", "_rebuild_tensor") => Name.RebuildTensor,
            ("torch._utils", "_rebuild_tensor_v2") => Name.RebuildTensorV2,
            ("torch._utils", "_rebuild_parameter") => Name.RebuildParameter,
            ("torch", "Size") => Name.Size,
            _ => throw Bad(
                at, $"asks for {Shown(module)}.{Shown(name)}, which a state dict does not need; it was not loaded. Save the model's "
                    + $"state_dict() alone"),
        };
    }

    private object? Call(int at, object? what, object?[] arguments)
    {
        switch (what)
        {
            case Name.OrderedDict:
                var dictionary = new PickledDictionary();
                foreach (var pair in arguments is [List<object?> pairs] ? pairs : [])
                {
                    if (--Budget < 0)
                        throw Bad(at, "makes more of its lists than it is long; it is no state dict");
                    dictionary.Items.Add(pair switch
                    {
                        List<object?> { Count: 2 } list => (list[0], list[1]),
                        object?[] { Length: 2 } tuple => (tuple[0], tuple[1]),
                        _ => throw Bad(at, "makes a dictionary of something else than pairs"),
                    });
                }

                return dictionary;
            case Name.RebuildTensor or Name.RebuildTensorV2 when arguments is [PickledStorage storage, long offset, object?[] size,
                object?[] stride, ..]:
                return new PickledTensor(storage, offset, Numbers(at, size), Numbers(at, stride));
            case Name.RebuildParameter when arguments is [PickledTensor tensor, ..]:
                return tensor;
            case Name.Size when arguments is [object?[] size]:
                return size;
            default:
                throw Bad(at, "calls something that can't be called, or with other arguments than PyTorch writes");
        }
    }

    private PickledStorage Storage(int at, object? id)
    {
        if (id is not object?[] { Length: >= 5 } parts
            || parts is not ["storage", string dtype, string key, string, long count, ..] || Width(dtype) == 0 || count < 0)
            throw Bad(at, "refers to something else than a storage");
        if (parts.Length > 5 && parts[5] is not null)
            throw Bad(at, $"storage {Shown(key)} is a view of another one; save the state dict again with a newer PyTorch");
        var storage = new PickledStorage(key, dtype, count);
        return key.Length > MaxKey || (_storages.TryGetValue(key, out var known) && known != storage)
            ? throw Bad(at, $"storage {Shown(key)} is described in two ways, or by a key of more than {MaxKey} characters")
            : _storages[key] = storage;
    }

    private static long[] Numbers(int at, object?[] values)
    {
        if (values.Length > MaxDimensions)
            throw Bad(at, $"{values.Length} dimensions; expected at most {MaxDimensions}");
        var numbers = new long[values.Length];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = values[i] is long number and >= 0 ? number : throw Bad(at, "a shape or stride that is no whole number from 0");
        return numbers;
    }

    private void SetItems(int at, object?[] items)
    {
        if (items.Length % 2 != 0)
            throw Bad(at, "an odd number of keys and values");
        var dictionary = _stack.Top<PickledDictionary>(at, "a dictionary");
        for (var i = 0; i < items.Length; i += 2)
            dictionary.Items.Add((items[i], items[i + 1]));
    }

    private readonly void Push(object? value) => _stack.Push(value);

    private void PushLong(ReadOnlySpan<byte> bytes) =>
        Push(bytes.Length <= 8 ? (long)new BigInteger(bytes) : new BigInteger(bytes));

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count > _bytes.Length - Position)
            throw Bad(Position, $"ends where {count} more bytes are needed");
        var bytes = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return bytes;
    }

    private string Text(long length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        var length = _bytes[Position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Bad(Position, "ends within a name");
        var line = Text(length);
        Position++;
        return line;
    }

    private static string Shown(string text) => text.Length > 60 ? text[..57] + "..." : text;

    private static PickleException Bad(int at, string what) => PickleException.At(at, what);
}
