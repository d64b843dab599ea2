using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;

namespace AstStream.Tests.Model;

/// <summary>A copy of a reference checkpoint, to be edited.</summary>
public abstract class CheckpointTrial : IDisposable
{
    private protected const string Small = "ast-small-16x16-t256";
    private protected readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private protected CheckpointTrial()
    {
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.Copy(Path.Combine(Reference.Folder, Small, file), Path.Combine(_folder, file));
    }

    private protected string Weights => Path.Combine(_folder, "model.safetensors");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static byte[] Slice(JsonNode tensor, byte[] data) =>
        data[tensor["data_offsets"]![0]!.GetValue<int>()..tensor["data_offsets"]![1]!.GetValue<int>()];

    private protected static void WriteTensors(string path, IEnumerable<(string Name, string DType, JsonArray Shape, byte[] Data)> tensors)
    {
        var header = new JsonObject();
        var data = new List<byte>();
        foreach (var (name, dtype, shape, bytes) in tensors)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = dtype,
                ["shape"] = shape.DeepClone(),
                ["data_offsets"] = new JsonArray(data.Count, data.Count + bytes.Length)
            };
            data.AddRange(bytes);
        }

        Write(path, header, [.. data]);
    }

    private protected static void Write(string path, JsonObject header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data]);
    }

    private protected (JsonObject Header, byte[] Data) Split() => Split(Weights);

    private protected static (JsonObject Header, byte[] Data) Split(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return (JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject(), bytes[(8 + length)..]);
    }

    private protected void WriteRaw(JsonObject header, byte[] data) => Write(Weights, header, data);

    private protected void Edit(string file, string key, string value)
    {
        var path = Path.Combine(_folder, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
    }

    private protected void AssertFails(string message)
    {
        var e = Assert.Throws<InvalidCheckpointException>(() => AstCheckpoint.Open(_folder).Dispose());
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.All(e.Message.Split('\n'), line => Assert.StartsWith(_folder, line, StringComparison.Ordinal));
    }
}
