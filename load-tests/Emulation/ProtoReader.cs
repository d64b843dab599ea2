using System.Text;

namespace AstStream.Emulation;

/// <summary>Reads the fields of a Protocol Buffers message, as much as an ONNX model needs.</summary>
internal readonly ref struct ProtoReader(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;

    public delegate void FieldAction(int field, ulong number, ReadOnlySpan<byte> bytes);

    /// <summary>Calls for each field: a number, or bytes.</summary>
    public void ForEach(FieldAction action)
    {
        var rest = _message;
        while (!rest.IsEmpty)
        {
            var tag = Varint(ref rest);
            var number = 0ul;
            var bytes = ReadOnlySpan<byte>.Empty;
            switch (tag & 7)
            {
                case 0:
                    number = Varint(ref rest);
                    break;
                case 2:
                    var length = (int)Varint(ref rest);
                    bytes = rest[..length];
                    rest = rest[length..];
                    break;
                case 5:
                    number = BitConverter.ToUInt32(rest);
                    rest = rest[4..];
                    break;
                default:
                    throw new InvalidDataException($"field type {tag & 7} is not written by AstGraph");
            }

            action((int)(tag >> 3), number, bytes);
        }
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    private static ulong Varint(ref ReadOnlySpan<byte> rest)
    {
        var value = 0ul;
        for (var shift = 0; ; shift += 7)
        {
            var next = rest[0];
            rest = rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
