using System.Buffers.Binary;

namespace AstStream.Station.Store;

/// <summary>What an event was to its model, as a store has it: 16-bit floats, little-endian.</summary>
/// <param name="Number">Its row; later ones came later.</param>
/// <param name="Event">The event's row.</param>
/// <param name="Vector">The values.</param>
internal readonly record struct StoredEmbedding(long Number, long Event, float[] Vector)
{
    /// <summary>Writes that of an event, where there is one.</summary>
    public static void Write(StoreFile file, long e, long model, ReadOnlyMemory<Half> vector)
    {
        if (!vector.IsEmpty)
            file.Prepared(
                """
                INSERT INTO embeddings (event, model, vector) VALUES ($0, $1, $2)
                ON CONFLICT DO UPDATE SET model = excluded.model, vector = excluded.vector
                """, e, model, Pack(vector.Span)).ExecuteNonQuery();
    }

    /// <summary>Writes those of events by their ids, in place of those that they have; events that are gone are passed over.</summary>
    public static void Replace(StoreFile file, long model, IReadOnlyList<(string Event, ReadOnlyMemory<Half> Vector)> embeddings)
    {
        foreach (var (id, vector) in embeddings)
        {
            if (file.Prepared("SELECT number FROM events WHERE id = $0", EventId.Bytes(id)).ExecuteScalar() is not long e)
                continue;
            file.Prepared("DELETE FROM embeddings WHERE event = $0", e).ExecuteNonQuery(); // a new row: readers look for later ones
            Write(file, e, model, vector);
        }
    }

    public static byte[] Pack(ReadOnlySpan<Half> vector)
    {
        var bytes = new byte[2 * vector.Length];
        for (var i = 0; i < vector.Length; i++)
            BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(2 * i), vector[i]);
        return bytes;
    }

    public static float[] Unpack(ReadOnlySpan<byte> bytes)
    {
        var vector = new float[bytes.Length / 2];
        for (var i = 0; i < vector.Length; i++)
            vector[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]);
        return vector;
    }
}
