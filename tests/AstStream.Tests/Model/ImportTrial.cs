using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Checkpoints as others write them, made of a reference one.</summary>
public abstract class ImportTrial : IDisposable
{
    private protected const string Small = "ast-small-16x16-t256";
    private protected readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private protected static AuthorsOptions SmallOptions =>
        new() { NumAttentionHeads = 3, FrequencyStride = 16, TimeStride = 16, MaxLength = 256 };

    private protected string Target => Path.Combine(_folder, "target");

    private protected string Cache => Path.Combine(_folder, "cache");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static void AssertFails(Action work, string message)
    {
        var e = Assert.Throws<InvalidCheckpointException>(work);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private protected static void Rename(string weights, Func<string, string> rename)
    {
        var bytes = File.ReadAllBytes(weights);
        var length = (int)BitConverter.ToUInt64(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject();
        var renamed = new JsonObject();
        foreach (var (name, value) in header)
            renamed[rename(name)] = value!.DeepClone();
        var text = System.Text.Encoding.UTF8.GetBytes(renamed.ToJsonString());
        File.WriteAllBytes(weights, [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. bytes[(8 + length)..]]);
    }

    /// <summary>Writes a folder's weights again, some of them left out (null) or by other names.</summary>
    private protected static void Retensor(string folder, Func<string, string?> rename)
    {
        var weights = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        var length = (int)BitConverter.ToUInt64(bytes);
        var (kept, data) = (new JsonObject(), new List<byte>());
        foreach (var (name, value) in JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject())
        {
            if (name == "__metadata__" || rename(name) is not { } other)
                continue;
            var offsets = value!["data_offsets"]!.AsArray();
            var tensor = bytes.AsSpan(8 + length)[offsets[0]!.GetValue<int>()..offsets[1]!.GetValue<int>()];
            var copy = value.DeepClone();
            copy["data_offsets"] = new JsonArray(data.Count, data.Count + tensor.Length);
            kept[other] = copy;
            data.AddRange(tensor);
        }

        var text = System.Text.Encoding.UTF8.GetBytes(kept.ToJsonString());
        File.WriteAllBytes(weights, [.. BitConverter.GetBytes((ulong)text.Length), .. text, .. data]);
    }

    private protected static float[] Logits(string folder)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        using var session = AstSession.Create(checkpoint,
            new AstSessionOptions { CacheFolder = Path.Combine(folder, "..", "cache"), BatchSizes = [1], IsNormalized = true });
        Reference.Npy($"{Small}/noise-3s.input_values.npy").Values.CopyTo(session.Input(0));
        session.Run(1);
        return session.Logits(0).ToArray();
    }

    private protected static void Scale(string folder, float factor)
    {
        var weights = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes.AsSpan(8 + (int)BitConverter.ToUInt64(bytes)));
        foreach (ref var value in values)
            value = (Half)((float)value * factor);
        File.WriteAllBytes(weights, bytes);
    }

    private protected static void AssertLogits(string folder, float tolerance)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        using var session = AstSession.Create(checkpoint,
            new AstSessionOptions { CacheFolder = Path.Combine(folder, "..", "cache"), BatchSizes = [1], IsNormalized = true });
        foreach (var clip in Reference.Clips)
        {
            Reference.Npy($"{Small}/{clip}.input_values.npy").Values.CopyTo(session.Input(0));
            session.Run(1);
            Reference.AssertClose(Reference.Npy($"{Small}/{clip}.logits.npy").Values, session.Logits(0), tolerance);
        }
    }

    private protected string HuggingFace(string name)
    {
        var folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.WriteAllBytes(Path.Combine(folder, file), File.ReadAllBytes(Path.Combine(Reference.Folder, Small, file)));
        return folder;
    }

    private protected void Import(string source)
    {
        using var checkpoint = AstCheckpoint.Open(source);
        CheckpointImport.Import(checkpoint, Target, Cache);
    }
}
