using System.Buffers;
using System.Buffers.Binary;

namespace AstStream.Kafka.Blocks;

/// <summary>What a value begins with whose schema is in a Confluent Schema Registry: a zero, and the schema's number.</summary>
internal static class SchemaFrame
{
    private const int Length = 5;

    public static void Write(IBufferWriter<byte> output, int schema)
    {
        var frame = output.GetSpan(Length);
        frame[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(frame[1..], schema);
        output.Advance(Length);
    }

    /// <summary>A value without it. JSON never begins with a zero byte.</summary>
    public static ReadOnlyMemory<byte> Skip(byte[] value) => value is [0, _, _, _, _, ..] ? value.AsMemory(Length) : value;
}
