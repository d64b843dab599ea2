using System.Buffers.Binary;
using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// Writes a .safetensors file as transformers reads it: a padded JSON header, metadata format pt, then the tensors without a hole.
/// </summary>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;

    public static void Write(string path, IReadOnlyList<TensorToWrite> tensors, IProgress<double>? progress = null)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        var header = Header(tensors);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        file.Write(length);
        file.Write(header);
        for (var i = 0; i < tensors.Count; i++)
        {
            file.Write(tensors[i].Type.Encode(tensors[i].Read(), tensors[i].Name));
            progress?.Report((i + 1.0) / tensors.Count);
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>The type that a dtype of a checkpoint is written as.</summary>
    public static ElementType TypeOf(string dtype) => dtype switch
    {
        "F16" => ElementType.Float16,
        "BF16" => ElementType.BFloat16,
        _ => ElementType.Float32,
    };

    private static byte[] Header(IReadOnlyList<TensorToWrite> tensors)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            json.WriteEndObject();
            long at = 0;
            foreach (var tensor in tensors)
            {
                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", tensor.Type switch { ElementType.Float16 => "F16", ElementType.BFloat16 => "BF16", _ => "F32" });
                json.WriteStartArray("shape");
                foreach (var dim in tensor.Shape)
                    json.WriteNumberValue(dim);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += tensor.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (memory.Length % Alignment != 0)
            memory.WriteByte((byte)' ');
        return memory.ToArray();
    }
}
