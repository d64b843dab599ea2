using System.Buffers.Binary;

namespace AstStream.Station.Store;

/// <summary>Levels of bands as a store has them: tenths of a decibel, 16 bits each, little-endian.</summary>
internal static class StoredBands
{
    public static byte[] Pack(IReadOnlyList<float> bands)
    {
        var bytes = new byte[2 * bands.Count];
        for (var i = 0; i < bands.Count; i++)
            BinaryPrimitives.WriteInt16LittleEndian(
                bytes.AsSpan(2 * i), (short)Math.Clamp(Math.Round(10 * bands[i]), short.MinValue, short.MaxValue));
        return bytes;
    }

    public static float[] Unpack(ReadOnlySpan<byte> bytes)
    {
        var bands = new float[bytes.Length / 2];
        for (var i = 0; i < bands.Length; i++)
            bands[i] = BinaryPrimitives.ReadInt16LittleEndian(bytes[(2 * i)..]) / 10f;
        return bands;
    }
}
