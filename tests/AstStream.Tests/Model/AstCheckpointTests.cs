using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using FsCheck.Xunit;

namespace AstStream.Tests.Model;

public sealed class AstCheckpointTests : IDisposable
{
    private const string Small = "ast-small-16x16-t256";
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public AstCheckpointTests()
    {
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.Copy(Path.Combine(Reference.Folder, Small, file), Path.Combine(_folder, file));
    }

    private string Weights => Path.Combine(_folder, "model.safetensors");

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

    public void Dispose() => Directory.Delete(_folder, recursive: true);

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
    public void Open_HeaderLongerThanFile_SaysSo()
    {
        var bytes = File.ReadAllBytes(Weights);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, 1UL << 60);
        File.WriteAllBytes(Weights, bytes);
        AssertFails("the header says that it is 1152921504606846976 bytes long");
    }

    [Fact]
    public void Open_CutFile_SaysSo()
    {
        File.WriteAllBytes(Weights, File.ReadAllBytes(Weights)[..^100]);
        AssertFails("where the file ends");
    }

    [Fact]
    public void Open_TrailingBytes_SaysSo()
    {
        File.WriteAllBytes(Weights, [.. File.ReadAllBytes(Weights), 0, 0]);
        AssertFails("2 bytes after the last tensor");
    }

    [Fact]
    public void Open_OverlappingOffsets_NamesTheTensor()
    {
        var (header, data) = Split();
        header[AstTensors.DistillationToken]!["data_offsets"] = header[AstTensors.ClsToken]!["data_offsets"]!.DeepClone();
        WriteRaw(header, data);
        AssertFails("inside tensor");
    }

    [Fact]
    public void Open_MissingTensor_NamesItWithItsShape()
    {
        Edit("config.json", "num_hidden_layers", "3");
        AssertFails("tensor audio_spectrogram_transformer.encoder.layer.2.attention.attention.query.weight is missing; config.json asks "
            + "for it with shape [48, 48]");
    }

    [Fact]
    public void Open_UnexpectedTensor_NamesIt()
    {
        Edit("config.json", "num_hidden_layers", "1");
        AssertFails("tensor audio_spectrogram_transformer.encoder.layer.1.attention.attention.query.weight is not part of the model");
    }

    [Fact]
    public void Open_WrongShape_NamesFoundAndExpected()
    {
        Edit("config.json", "intermediate_size", "100");
        AssertFails("asks for [100, 48]");
    }

    [Fact]
    public void Open_WrongByteCount_SaysSo()
    {
        var (header, data) = Split();
        header[AstTensors.ClsToken]!["shape"] = new JsonArray(1, 1, 47);
        WriteRaw(header, data);
        AssertFails("96 bytes for shape [1,1,47] in F16; expected 94");
    }

    [Theory]
    [InlineData("F8_E4M3", 96, "tensor audio_spectrogram_transformer.embeddings.cls_token has F8_E4M3 numbers; expected floating-point "
        + "weights")]
    [InlineData("I16", 48, "tensor audio_spectrogram_transformer.embeddings.cls_token has I16 numbers; expected floating-point weights")]
    [InlineData("F4", 48, "dtype F4; expected F64, F32, F16 or BF16")]
    public void Open_OtherDType_SaysSo(string dtype, int elements, string message)
    {
        var (header, data) = Split();
        header[AstTensors.ClsToken]!["dtype"] = dtype;
        header[AstTensors.ClsToken]!["shape"] = new JsonArray(1, 1, elements);
        WriteRaw(header, data);
        if (elements != 48)
            Edit("config.json", "hidden_size", "96");
        AssertFails(dtype == "F8_E4M3" ? "asks for" : message);
    }

    [Theory]
    [InlineData("F32", 4)]
    [InlineData("F64", 8)]
    [InlineData("I64", 8)]
    [InlineData("BOOL", 1)]
    [InlineData("F8_E5M2", 1)]
    public void Open_TensorsOfNoAst_AreNamedAndLeftOut(string dtype, int width)
    {
        var (header, data) = Split();
        header["loss_fct.weight"] = new JsonObject
        {
            ["dtype"] = dtype,
            ["shape"] = new JsonArray(
            3),
            ["data_offsets"] = new JsonArray(data.Length, data.Length + (3 * width))
        };
        WriteRaw(header, [.. data, .. new byte[3 * width]]);

        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Contains("left out: loss_fct.weight", Assert.Single(checkpoint.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Float64_IsNarrowed()
    {
        var (header, data) = Split();
        float[] expected;
        using (var half = AstCheckpoint.Open(_folder))
            expected = half.Read(AstTensors.PositionEmbeddings);
        WriteTensors(Weights, header.Where(
            t => t.Key != "__metadata__").Select(t => (t.Key, "F64", t.Value!["shape"]!.AsArray(), Doubles(Slice(t.Value!, data)))));

        using var checkpoint = AstCheckpoint.Open(_folder);

        Assert.Equal("F64", checkpoint.DTypes);
        Assert.Equal(expected, checkpoint.Read(AstTensors.PositionEmbeddings));

        static byte[] Doubles(byte[] halves)
        {
            var doubles = new List<byte>();
            foreach (var half in MemoryMarshal.Cast<byte, Half>(halves))
                doubles.AddRange(BitConverter.GetBytes((double)half));
            return [.. doubles];
        }
    }

    [Theory]
    [InlineData("padding_value", "1.0")]
    [InlineData("feature_size", "2")]
    [InlineData("padding_side", "\"left\"")]
    public void Open_KeysThatTheExtractorNeverUses_AreOfNoConsequence(string key, string value)
    {
        Edit("preprocessor_config.json", key, value);

        AstCheckpoint.Open(_folder).Dispose();
    }

    [Theory]
    [InlineData("""{"a\ud800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", "not valid Unicode")]
    [InlineData("""{"a":{"dtype":"\ud800","shape":[],"data_offsets":[0,4]}}""", "not valid Unicode")]
    [InlineData("""{"__metadata__":5}""", "__metadata__ in the header is no object of strings")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,[]],"data_offsets":[0,4]}}""", "a shape of 10 dimensions")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[]],"data_offsets":[0,4]}}""", "shape [[]]; expected whole numbers")]
    [InlineData("""{"a":5}""", "tensor a: expected dtype, shape and two data_offsets")]
    [InlineData("[]", "the header is no JSON object")]
    [InlineData("{", "not valid JSON")]
    public void Open_StrangeHeader_SaysWhatIsWrong(string header, string message)
    {
        File.WriteAllBytes(Weights, [.. BitConverter.GetBytes((ulong)header.Length), .. Encoding.UTF8.GetBytes(header), 0, 0, 0, 0]);
        AssertFails(message);
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

    [Property(MaxTest = 300)]
    public bool Open_DamagedHeader_OpensOrGivesOneKindOfError(ushort at, byte value)
    {
        var original = File.ReadAllBytes(Weights);
        var bytes = original.ToArray();
        bytes[at % 6000] = value;
        File.WriteAllBytes(Weights, bytes);
        try
        {
            AstCheckpoint.Open(_folder).Dispose();
            return true;
        }
        catch (InvalidCheckpointException)
        {
            return true;
        }
        finally
        {
            File.WriteAllBytes(Weights, original);
        }
    }

    private static byte[] Slice(JsonNode tensor, byte[] data) =>
        data[tensor["data_offsets"]![0]!.GetValue<int>()..tensor["data_offsets"]![1]!.GetValue<int>()];

    private static void WriteTensors(string path, IEnumerable<(string Name, string DType, JsonArray Shape, byte[] Data)> tensors)
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

    private static void Write(string path, JsonObject header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data]);
    }

    private (JsonObject Header, byte[] Data) Split()
    {
        var bytes = File.ReadAllBytes(Weights);
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return (JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject(), bytes[(8 + length)..]);
    }

    private void WriteRaw(JsonObject header, byte[] data) => Write(Weights, header, data);

    private void Edit(string file, string key, string value)
    {
        var path = Path.Combine(_folder, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
    }

    private void AssertFails(string message)
    {
        var e = Assert.Throws<InvalidCheckpointException>(() => AstCheckpoint.Open(_folder).Dispose());
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.All(e.Message.Split('\n'), line => Assert.StartsWith(_folder, line, StringComparison.Ordinal));
    }
}
