using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

public sealed class ParityCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Cache => Path.Combine(_folder, "cache");

    private string Model => Path.Combine(_folder, "model");

    private string Parity => Path.Combine(Model, "parity.json");

    [Fact]
    public void Create_ImportedModel_IsComparedWithTheLogitsBesideIt()
    {
        Import();
        using var checkpoint = AstCheckpoint.Open(Model);
        foreach (var precision in (ModelPrecision[])[ModelPrecision.Float32, ModelPrecision.Int8])
        {
            using var session = AstSession.Create(checkpoint, Options with { Precision = precision });
            Assert.InRange(session.ParityError!.Value, 0, ParityCheck.Limit(precision));
        }
    }

    [Fact]
    public void Create_AViewOfAnImportedModel_IsComparedWithLogitsOfItsOwn()
    {
        Import();
        var config = Path.Combine(Model, "config.json");
        var json = JsonNode.Parse(File.ReadAllText(config))!;
        json["problem_type"] = "multi_label_classification";
        File.WriteAllText(config, json.ToJsonString());
        File.WriteAllText(Path.Combine(Model, "views.json"), """{"few": ["class 4", "class 2"]}""");
        using var checkpoint = AstCheckpoint.Open(Model);
        checkpoint.Take("few");

        using var session = AstSession.Create(checkpoint, Options);

        Assert.InRange(session.ParityError!.Value, 0, ParityCheck.Limit(ModelPrecision.Float32));
    }

    [Fact]
    public void Create_LogitsThatAreOff_IsRefusedOrWarnedOrNotCompared()
    {
        Import();
        var text = File.ReadAllText(Parity);
        var first = text.IndexOf('[', StringComparison.Ordinal) + 1;
        File.WriteAllText(Parity, text[..first] + "7," + text[(text.IndexOf(',', first) + 1)..]);
        using var checkpoint = AstCheckpoint.Open(Model);

        var e = Assert.Throws<ModelExecutionException>(() => AstSession.Create(checkpoint, Options));
        Assert.Contains("on cpu in float32 with sdpa attention the logit of 'class 0' is", e.Message, StringComparison.Ordinal);
        Assert.Contains("off the float32 reference at batch size 1; expected at most 0.001", e.Message, StringComparison.Ordinal);
        using (var warned = AstSession.Create(checkpoint, Options with { Parity = ParityMode.Warn }))
            Assert.Contains("off the float32 reference", Assert.Single(warned.Warnings), StringComparison.Ordinal);
        using (var off = AstSession.Create(checkpoint, Options with { Parity = ParityMode.Off }))
            Assert.Null(off.ParityError);
    }

    [Fact]
    public void Create_WeightsChangedBehindTheImport_IsRefused()
    {
        Import();
        var weights = Path.Combine(Model, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(weights, bytes);
        using var checkpoint = AstCheckpoint.Open(Model);

        var e = Assert.Throws<ModelExecutionException>(() => AstSession.Create(checkpoint, Options));
        Assert.Contains("parity.json: is damaged, or was not computed from these weights", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"logits":"none"}""")]
    [InlineData("")]
    public void Create_BrokenParityFile_IsRefused(string text)
    {
        Import();
        File.WriteAllText(Parity, text);
        using var checkpoint = AstCheckpoint.Open(Model);
        Assert.Throws<ModelExecutionException>(() => AstSession.Create(checkpoint, Options));

        using var warned = AstSession.Create(checkpoint, Options with { Parity = ParityMode.Warn });
        Assert.Contains("parity.json: is damaged", Assert.Single(warned.Warnings), StringComparison.Ordinal);
        Assert.True(warned.ParityError < 1e-3f); // against a reference of its own
    }

    [Theory]
    [InlineData(0x3f)] // finite, and of a size that matters
    [InlineData(0xff)] // among them infinities and numbers that are none
    public void Create_DamagedGraphWeights_AreNoticedAndBuiltAnew(byte mask)
    {
        Import();
        using var checkpoint = AstCheckpoint.Open(Model);
        AstSession.Create(checkpoint, Options).Dispose();
        var weights = Assert.Single(Directory.EnumerateFiles(Cache, "weights-float32-*.bin", SearchOption.AllDirectories));
        var bytes = File.ReadAllBytes(weights);
        var middle = bytes.Length / 2 / 4 * 4;
        new Random(1).NextBytes(bytes.AsSpan(middle, 4096));
        for (var i = middle + 3; i < middle + 4096; i += 4)
            bytes[i] &= mask;
        if (mask == 0xff)
            BitConverter.TryWriteBytes(bytes.AsSpan(middle), float.NaN);
        File.WriteAllBytes(weights, bytes);

        using var session = AstSession.Create(checkpoint, Options);

        Assert.True(session.ParityError < 1e-3f); // rebuilt
        Assert.NotEqual(bytes, File.ReadAllBytes(weights));
    }

    /// <summary>Mean and std are folded into the graph's weights, so they must not be taken from another import's graph.</summary>
    [Fact]
    public void Create_OtherMeanAndStd_GiveAnotherGraph()
    {
        var file = Path.Combine(Reference.Folder, "ast-small-16x16-t256.original.pth");
        var options = new AuthorsOptions { NumAttentionHeads = 3, FrequencyStride = 16, TimeStride = 16, MaxLength = 256 };
        var logits = new List<float[]>();
        foreach (var (mean, std) in ((float, float)[])[(-4.2677393f, 4.5689974f), (-6.5f, 3f)])
        {
            var target = Path.Combine(_folder, $"model{logits.Count}");
            using (var source = AstCheckpoint.OpenAuthors(file, options with { Mean = mean, Std = std }))
                CheckpointImport.Import(source, target, Cache);
            using var checkpoint = AstCheckpoint.Open(target);
            using var session = AstSession.Create(checkpoint, Options);
            var inputValues = Reference.Npy("ast-small-16x16-t256/noise-3s.input_values.npy").Values;
            Array.ConvertAll(inputValues, v => (v * 2 * std) + mean).CopyTo(session.Input(0));
            session.Run(1);
            logits.Add(session.Logits(0).ToArray());
        }

        Reference.AssertClose(logits[0], logits[1], 1e-4f); // the same input_values, by two normalisations
    }

    [Fact]
    public void Dispose_Twice_IsHarmlessAndUseAfterItIsRefused()
    {
        Import();
        using var checkpoint = AstCheckpoint.Open(Model);
        var session = AstSession.Create(checkpoint, Options);
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { session.Input(0); });
        Assert.Throws<ObjectDisposedException>(() => session.Run(1));
        Assert.Throws<ObjectDisposedException>(() => { session.Logits(0); });
    }

    [Fact]
    public void FillInput_RawAndNormalised_AreOneSoundWithPaddingBehind()
    {
        using var checkpoint = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
        var raw = new float[256 * 128];
        var normal = new float[256 * 128];
        ParityCheck.FillInput(raw, checkpoint.Config, checkpoint.Extractor, raw: true);
        ParityCheck.FillInput(normal, checkpoint.Config, checkpoint.Extractor, raw: false);

        Assert.All(raw, v => Assert.InRange(v, -10f, 3f));
        Assert.True(raw.Max() > 0 && raw.Distinct().Count() > 30);
        Assert.All(raw[(224 * 128)..], v => Assert.Equal(0, v));
        for (var i = 0; i < raw.Length; i++)
            Assert.Equal((raw[i] + 4.2677393f) / (2 * 4.5689974f), normal[i], 1e-5f);
    }

    private AstSessionOptions Options => new() { CacheFolder = Cache, BatchSizes = [1, 2] };

    private void Import()
    {
        using var source = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
        CheckpointImport.Import(source, Model, Cache);
    }
}
