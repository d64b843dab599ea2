namespace AstStream.Model.Checkpoints;

/// <summary>The checksum of zip files (CRC-32, reflected polynomial 0xEDB88320), which System.IO.Compression does not compare.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = [.. Enumerable.Range(0, 256).Select(Entry)];

    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
            crc = (crc >> 8) ^ s_table[(byte)(crc ^ b)];
        return ~crc;
    }

    private static uint Entry(int index)
    {
        var value = (uint)index;
        for (var bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320 : value >> 1;
        return value;
    }
}
