using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Checkpoints, what their configuration says, and the graphs that are cached for them.</summary>
public sealed class AstCheckpointTests : CheckpointTrial
{
    public static TheoryData<string, string, string> BadConfigs => new()
    {
        { "patch_size", "0", "patch_size: found 0; expected a whole number from 1 to 256" },
        { "patch_size", "300", "patch_size: found 300" },
        { "num_attention_heads", "5", "num_attention_heads: found 5; expected a divisor of hidden_size, 48" },
        { "hidden_size", "\"wide\"", "hidden_size: found \"wide\"; expected a whole number" },
        { "hidden_size", "1e300", "hidden_size: found 1e300" },
        { "hidden_act", "\"swish\"", "hidden_act: found \"swish\"; expected \"gelu\"" },
        { "model_type", "\"bert\"", "model_type: found \"bert\"" },
        { "problem_type", "\"ranking\"", "problem_type: found \"ranking\"" },
        { "id2label", """{"0": "a", "2": "c"}""", "id2label: found no label 1" },
        { "id2label", """{"x": "a"}""", "key \"x\"; expected a class index" },
        { "id2label", "{}", "id2label: found no label 0" },
        { "layer_norm_eps", "-1", "layer_norm_eps: found -1" },
        { "time_stride", "0", "time_stride: found 0" },
        { "max_length", "65536", "tokens of 16×16 values in a window" },
        { "qkv_bias", "1", "qkv_bias: found 1; expected true or false" },
    };

    public static TheoryData<string, string, string> BadExtractors => new()
    {
        { "sampling_rate", "44100", "sampling_rate: found 44100; expected 16000" },
        { "max_length", "1024", "max_length: found 1024; expected 256, max_length of config.json" },
        { "std", "0", "std: found 0; expected a number from" },
        { "std", "1e-50", "std: found 1e-50" },
        { "feature_extractor_type", "\"WhisperFeatureExtractor\"", "expected \"ASTFeatureExtractor\"" },
    };

    public static TheoryData<string, string> BadThresholds => new()
    {
        { "[]", "thresholds.json: holds a list; expected a JSON object" },
        { """{"dog": 0.5}""", "thresholds: found nothing; expected an object from label to score" },
        { """{"thresholds": [0.5]}""", "thresholds: found a list; expected an object from label to score" },
        { """{"thresholds": {"zebra": 0.5}}""", "thresholds: found label \"zebra\"; expected labels of config.json" },
        { """{"thresholds": {"class 1": 1.5}}""", "thresholds.class 1: found 1.5; expected a score from 0 to 1" },
        { """{"thresholds": {"class 1": "0.5"}}""", "thresholds.class 1: found \"0.5\"; expected a score from 0 to 1" },
        { """{"thresholds": """, "thresholds.json:1:" },
    };

    [Fact]
    public void Open_ReferenceCheckpoint_ReadsItsNumbers()
    {
        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Equal(
            (48, 2, 3, 256),
            (checkpoint.Config.HiddenSize, checkpoint.Config.NumHiddenLayers, checkpoint.Config.NumAttentionHeads,
            checkpoint.Config.MaxLength));
        Assert.Equal(5, checkpoint.Config.Labels.Count);
        Assert.Equal("F16", checkpoint.DTypes);
        Assert.Equal(64, checkpoint.Hash.Length);
    }

    [Fact]
    public void AstBase_Numbers_AreThoseOfThePaper()
    {
        var config = new AstConfig
        {
            HiddenSize = 768,
            NumHiddenLayers = 12,
            NumAttentionHeads = 12,
            IntermediateSize = 3072,
            LayerNormEps = 1e-12f,
            PatchSize = 16,
            QkvBias = true,
            FrequencyStride = 10,
            TimeStride = 10,
            MaxLength = 1024,
            NumMelBins = 128,
            Labels = [.. Enumerable.Range(0, 527).Select(i => i == 0 ? "Speech" : $"{i}")],
        };
        var tensors = AstTensors.Expected(config).ToList();

        Assert.Equal(1214, config.Tokens);
        Assert.Equal(203, tensors.Count);
        Assert.Equal(86_594_063, tensors.Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b)));
        Assert.InRange(config.MacsPerWindow, 130e9, 131e9); // 261 GFLOP
        Assert.InRange(config.WithWindow(null, 16, 16).MacsPerWindow, 48.5e9, 48.7e9);
        Assert.InRange(config.MacsForLogits, 121e9, 121.3e9);
        Assert.Equal(ScoreActivation.Sigmoid, config.DefaultActivation);
        Assert.Equal(ScoreActivation.Softmax, (config with { Labels = ["yes", "no"] }).DefaultActivation);
        Assert.Equal(ScoreActivation.Softmax, (config with { ProblemType = "single_label_classification" }).DefaultActivation);
    }

    [Fact]
    public void Open_Shards_ReadsAsOne()
    {
        using var whole = AstCheckpoint.Open(_folder);
        var (header, data) = Split();
        var names = header.Select(t => t.Key).Where(k => k != "__metadata__").ToList();
        var map = new JsonObject();
        foreach (var (part, i) in names.Chunk((names.Count / 2) + 1).Select((p, i) => (p, i)))
        {
            var file = $"model-{i}.safetensors";
            WriteTensors(
                Path.Combine(_folder, file),
                part.Select(n => (n, header[n]!["dtype"]!.GetValue<string>(), header[n]!["shape"]!.AsArray(), Slice(header[n]!, data))));
            foreach (var name in part)
                map[name] = file;
        }

        File.Delete(Weights);
        File.WriteAllText(Weights + ".index.json", new JsonObject { ["weight_map"] = map }.ToJsonString());

        using var sharded = AstCheckpoint.Open(_folder);

        foreach (var name in names)
            Assert.Equal(whole.Read(name), sharded.Read(name));

        map[names[0]] = "../elsewhere.safetensors";
        File.WriteAllText(Weights + ".index.json", new JsonObject { ["weight_map"] = map.DeepClone() }.ToJsonString());
        AssertFails("expected the name of a .safetensors file in the same folder");
    }

    [Fact]
    public void Read_BFloat16_IsWidened()
    {
        var (header, data) = Split();
        var tensors = header.Where(t => t.Key != "__metadata__").Select(t =>
        {
            var halves = MemoryMarshal.Cast<byte, Half>(Slice(t.Value!, data));
            var brains = new byte[halves.Length * 2];
            for (var i = 0; i < halves.Length; i++)
                BinaryPrimitives.WriteUInt16LittleEndian(
                    brains.AsSpan(2 * i), (ushort)(BitConverter.SingleToUInt32Bits((float)halves[i]) >> 16));
            return (t.Key, "BF16", t.Value!["shape"]!.AsArray(), brains);
        }).ToList();
        using var half = AstCheckpoint.Open(_folder);
        var expected = half.Read(AstTensors.PositionEmbeddings);
        half.Dispose();
        WriteTensors(Weights, tensors);

        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Equal("BF16", checkpoint.DTypes);
        var actual = checkpoint.Read(AstTensors.PositionEmbeddings);
        for (var i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], Math.Abs(expected[i]) / 128);
    }

    [Theory]
    [MemberData(nameof(BadConfigs))]
    public void Open_BadConfig_NamesFileKeyFoundAndExpected(string key, string value, string message)
    {
        Edit("config.json", key, value);
        AssertFails(message);
    }

    [Theory]
    [MemberData(nameof(BadExtractors))]
    public void Open_BadExtractor_NamesFileKeyFoundAndExpected(string key, string value, string message)
    {
        Edit("preprocessor_config.json", key, value);
        AssertFails(message);
    }

    [Theory]
    [MemberData(nameof(BadThresholds))]
    public void Open_BadThresholds_NamesFileKeyFoundAndExpected(string json, string message)
    {
        File.WriteAllText(Path.Combine(_folder, "thresholds.json"), json);
        AssertFails(message);
    }

    [Fact]
    public void Open_Thresholds_AreReadByClassAndLeaveTheHashAsItWas()
    {
        using var without = AstCheckpoint.Open(_folder);
        File.WriteAllText(Path.Combine(_folder, "thresholds.json"), """{"precision": 0.9, "thresholds": {"class 3": 0.25, "class 0": 1}}""");

        using var with = AstCheckpoint.Open(_folder);
        Assert.Null(without.Thresholds);
        Assert.Equal([1, float.NaN, float.NaN, 0.25f, float.NaN], with.Thresholds);
        Assert.Equal(without.Hash, with.Hash);
    }

    [Fact]
    public void Open_SeveralBadNumbers_TellsAllAtOnce()
    {
        Edit("config.json", "patch_size", "0");
        Edit("config.json", "time_stride", "-3");

        Assert.Equal(2, Assert.Throws<InvalidCheckpointException>(() => AstCheckpoint.Open(_folder)).Message.Split('\n').Length);
    }

    [Fact]
    public void Open_MissingFiles_SaysWhatAFolderNeeds()
    {
        Assert.Contains(
            "no such folder", Assert.Throws<InvalidCheckpointException>(() => AstCheckpoint.Open("/nowhere")).Message,
            StringComparison.Ordinal);
        File.Move(Weights, Path.Combine(_folder, "pytorch_model.bin"));
        AssertFails("pytorch_model.bin: is neither a zip nor a pickle");
        File.Delete(Path.Combine(_folder, "pytorch_model.bin"));
        AssertFails("no model.safetensors and no pytorch_model.bin, whole or as shards");
        File.Delete(Path.Combine(_folder, "config.json"));
        AssertFails("config.json: no such file");
    }

    [Fact]
    public void Create_NaNWeight_NamesTensorAndIndex()
    {
        var (header, data) = Split();
        var begin = header[AstTensors.ClsToken]!["data_offsets"]![0]!.GetValue<int>();
        BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(begin + 14), Half.NaN);
        WriteRaw(header, data);
        using var checkpoint = AstCheckpoint.Open(_folder);

        var e = Assert.Throws<InvalidCheckpointException>(
            () => AstSession.Create(checkpoint, new AstSessionOptions { CacheFolder = Path.Combine(_folder, "cache") }));

        Assert.Contains("tensor audio_spectrogram_transformer.embeddings.cls_token: NaN at index 7", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_folder, "cache", "graphs"), "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Create_Twice_UsesTheCachedGraphAndRebuildsADamagedOne()
    {
        var cache = Path.Combine(_folder, "cache");
        var options = new AstSessionOptions { CacheFolder = cache };
        using var checkpoint = AstCheckpoint.Open(_folder);
        AstSession.Create(checkpoint, options).Dispose();
        var folder = Assert.Single(Directory.EnumerateDirectories(Path.Combine(cache, "graphs")));
        var data = Assert.Single(Directory.EnumerateFiles(folder, "weights-float32-*.bin"));
        var written = File.GetLastWriteTimeUtc(data);

        AstSession.Create(checkpoint, options).Dispose();
        Assert.Equal(written, File.GetLastWriteTimeUtc(data));

        File.WriteAllBytes(data, File.ReadAllBytes(data)[..100]);
        AstSession.Create(checkpoint, options).Dispose();
        Assert.True(new FileInfo(data).Length > 100);
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(cache, "graphs")));
    }

    [Fact]
    public void Create_ChangedWeights_BuildsAnotherGraph()
    {
        var options = new AstSessionOptions { CacheFolder = Path.Combine(_folder, "cache") };
        using (var before = AstCheckpoint.Open(_folder))
            AstSession.Create(before, options).Dispose();
        var bytes = File.ReadAllBytes(Weights);
        bytes[^1] ^= 1;
        File.WriteAllBytes(Weights, bytes);
        using (var after = AstCheckpoint.Open(_folder))
            AstSession.Create(after, options).Dispose();

        Assert.Equal(2, Directory.EnumerateDirectories(Path.Combine(_folder, "cache", "graphs")).Count());
    }
}
