using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace AstStream.Connectors.Files;

/// <summary>Writes NumPy's .npy files, format 1.0.</summary>
public static class NpyFile
{
    /// <summary>Writes a float32 array of some shape, row-major.</summary>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Write(string path, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        // Magic, version, header length and header together end on a multiple of 64 bytes, with a newline last.
        var dimensions = string.Join(", ", shape.ToArray()) + (shape.Length == 1 ? "," : "");
        var header = $"{{'descr': '<f4', 'fortran_order': False, 'shape': ({dimensions}), }}";
        header = header.PadRight(((10 + header.Length + 1 + 63) / 64 * 64) - 11) + '\n';
        var isNew = !File.Exists(path);
        try
        {
            WriteAll(path, header, values);
        }
        catch when (isNew)
        {
            File.Delete(path); // half an array is taken for a whole one
            throw;
        }
    }

    private static void WriteAll(string path, string header, ReadOnlySpan<float> values)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write([0x93, .. "NUMPY"u8, 1, 0]);
        Span<byte> length = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        file.Write(length);
        file.Write(Encoding.ASCII.GetBytes(header));
        const int piece = 1 << 20; // a span of bytes can't be as long as one of floats
        for (; values.Length > 0; values = values[Math.Min(piece, values.Length)..])
            file.Write(MemoryMarshal.AsBytes(values[..Math.Min(piece, values.Length)]));
    }
}
