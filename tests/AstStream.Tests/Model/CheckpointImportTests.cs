using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

public sealed class CheckpointImportTests : IDisposable
{
    private const string Small = "ast-small-16x16-t256";
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private static AuthorsOptions SmallOptions => new() { NumAttentionHeads = 3, FrequencyStride = 16, TimeStride = 16, MaxLength = 256 };

    private string Target => Path.Combine(_folder, "target");

    private string Cache => Path.Combine(_folder, "cache");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(".original.pth", 1e-3f)]
    [InlineData(".original-legacy.pth", 1e-3f)]
    public void Import_AuthorsCheckpoint_GivesTheLogitsOfTransformers(string ending, float tolerance)
    {
        using (var source = AstCheckpoint.OpenAuthors(Path.Combine(Reference.Folder, Small + ending), SmallOptions))
            CheckpointImport.Import(source, Target, Cache);

        AssertLogits(Target, tolerance);
        using var imported = AstCheckpoint.Open(Target);
        Assert.Equal(
            (48, 2, 3, 96, 16),
            (imported.Config.HiddenSize, imported.Config.NumHiddenLayers, imported.Config.NumAttentionHeads,
            imported.Config.IntermediateSize, imported.Config.TimeStride));
        Assert.Equal(ending.Contains("legacy", StringComparison.Ordinal) ? "F16" : "F32", imported.DTypes);
        Assert.True(File.Exists(Path.Combine(Target, "parity.json")));
    }

    [Fact]
    public void Import_PytorchModelBin_GivesTheLogitsOfTransformers()
    {
        var source = HuggingFace("source");
        File.Delete(Path.Combine(source, "model.safetensors"));
        File.Copy(Path.Combine(Reference.Folder, Small + ".pytorch_model.bin"), Path.Combine(source, "pytorch_model.bin"));

        File.WriteAllText(Path.Combine(source, "thresholds.json"), """{"thresholds": {"class 1": 0.25}}""");

        Import(source);

        AssertLogits(Target, 1e-3f);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(source, "thresholds.json")), File.ReadAllBytes(Path.Combine(Target, "thresholds.json")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(source, "config.json")), File.ReadAllBytes(Path.Combine(Target, "config.json")));
    }

    [Fact]
    public void Import_ShardedBin_IsJoined()
    {
        var source = HuggingFace("source");
        File.Delete(Path.Combine(source, "model.safetensors"));
        File.Copy(Path.Combine(Reference.Folder, Small + ".pytorch_model.bin"), Path.Combine(source, "pytorch_model-00001-of-00001.bin"));
        var map = new JsonObject();
        using (var bin = new TorchFile(Path.Combine(source, "pytorch_model-00001-of-00001.bin")))
        {
            foreach (var name in bin.Tensors.Keys)
                map[name] = "pytorch_model-00001-of-00001.bin";
        }

        File.WriteAllText(Path.Combine(source, "pytorch_model.bin.index.json"), new JsonObject { ["weight_map"] = map }.ToJsonString());
        Import(source);
        AssertLogits(Target, 1e-3f);
    }

    [Theory]
    [InlineData("encoder.layer.", "layers.")]
    [InlineData("encoder.layer.", "encoder.layers.")]
    public void Import_NewerNames_AreThoseOfToday(string old, string newer)
    {
        var source = HuggingFace("source");
        Rename(Path.Combine(source, "model.safetensors"), name => name
            .Replace(old, newer, StringComparison.Ordinal)
            .Replace("attention.attention.query", "attention.q_proj", StringComparison.Ordinal)
            .Replace("attention.attention.key", "attention.k_proj", StringComparison.Ordinal)
            .Replace("attention.attention.value", "attention.v_proj", StringComparison.Ordinal)
            .Replace("attention.output.dense", "attention.o_proj", StringComparison.Ordinal)
            .Replace("intermediate.dense", "mlp.fc1", StringComparison.Ordinal)
            .Replace("output.dense", "mlp.fc2", StringComparison.Ordinal));

        Import(source);

        AssertLogits(Target, 1e-3f);
        using var written = new SafetensorsFile(Path.Combine(Target, "model.safetensors"));
        Assert.Contains("audio_spectrogram_transformer.encoder.layer.1.attention.attention.query.weight", written.Tensors.Keys);
    }

    [Fact]
    public void Import_TwoNamesForOneTensor_AreRefused()
    {
        var source = HuggingFace("source");
        Rename(Path.Combine(source, "model.safetensors"),
            name => name.Replace("encoder.layer.0.layernorm_after.bias", "layers.1.layernorm_after.bias", StringComparison.Ordinal));
        AssertFails(() => AstCheckpoint.Open(source), "which audio_spectrogram_transformer.");
    }

    [Fact]
    public void Import_Twice_GivesTheSameWeights()
    {
        Import(HuggingFace("source"));
        using var first = AstCheckpoint.Open(Target);
        CheckpointImport.Import(first, Path.Combine(_folder, "again"), Cache);
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(Target, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(_folder, "again", "model.safetensors")));
        Assert.Equal(
            File.ReadAllText(Path.Combine(Target, "parity.json")), File.ReadAllText(Path.Combine(_folder, "again", "parity.json")));
    }

    [Fact]
    public void OpenAuthors_WrongFlags_SayWhatDoesNotFit()
    {
        var file = Path.Combine(Reference.Folder, Small + ".original.pth");
        var paper = new AuthorsOptions { NumAttentionHeads = 3, MaxLength = 1024, FrequencyStride = 10, TimeStride = 10 };
        AssertFails(
            () => AstCheckpoint.OpenAuthors(file, paper),
            "tensor module.v.pos_embed has shape [1, 130, 48]; the flags and the other shapes ask for "
                + "[1, 1214, 48]; are --frequency-stride");
        AssertFails(() => AstCheckpoint.OpenAuthors(file, SmallOptions with { NumAttentionHeads = 7 }),
            "which 7 heads do not divide; expected another --num-attention-heads");
        AssertFails(() => AstCheckpoint.OpenAuthors(file, SmallOptions with { NumAttentionHeads = null }),
            "its shapes do not tell how many it has: give --num-attention-heads");
        AssertFails(() => AstCheckpoint.OpenAuthors(file, SmallOptions with { Std = 0 }), "expected finite numbers");
        AssertFails(() => AstCheckpoint.OpenAuthors(file, SmallOptions with { Labels = ["a", "b"] }), "--labels: has 2 labels");
        AssertFails(() => AstCheckpoint.OpenAuthors(file, SmallOptions with { MaxLength = 8 }), "give --max-length");
    }

    [Fact]
    public void OpenAuthors_ShapesOfTwoModels_AskWhichOne()
    {
        var file = Path.Combine(Reference.Folder, Small + ".original.pth");

        AssertFails(
            () => AstCheckpoint.OpenAuthors(file, new AuthorsOptions { NumAttentionHeads = 3 }),
            "130 tokens are those of 256 frames of 128 mel bins at strides 16/16, or 512 frames of 64 mel bins at strides 16/16, or 1024 "
                + "frames of 40 mel bins at strides 16/16; which? Give --num-mel-bins, --max-length");
        using var checkpoint = AstCheckpoint.OpenAuthors(file, new AuthorsOptions { NumAttentionHeads = 3, NumMelBins = 64 });
        Assert.Equal((512, 64, 16), (checkpoint.Config.MaxLength, checkpoint.Config.NumMelBins, checkpoint.Config.TimeStride));
    }

    [Fact]
    public void OpenAuthors_WhatIsAssumed_IsTold()
    {
        var file = Path.Combine(Reference.Folder, Small + ".original.pth");
        using var some = AstCheckpoint.OpenAuthors(file, SmallOptions);
        Assert.Equal("128 mel bins (--num-mel-bins)", some.Assumptions[0]);
        Assert.StartsWith("AudioSet's statistics, mean -4.2677393 and std 4.5689974 (--statistics audioset|speech-commands|esc50",
            some.Assumptions[1], StringComparison.Ordinal);

        var words = ExtractorConfig.Known["speech-commands"];
        using var all = AstCheckpoint.OpenAuthors(
            file, SmallOptions with { NumMelBins = 128, Mean = words.Mean, Std = words.Std, ProblemType = "single_label_classification" });
        Assert.Empty(all.Assumptions);
        Assert.Equal(new ExtractorConfig(-6.845978f, 5.5654526f, true), all.Extractor);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("lone.safetensors")]
    public void OpenAuthors_SafetensorsWithoutConfig_IsReadByItsShapes(string name)
    {
        var file = Path.Combine(_folder, name);
        File.Copy(Path.Combine(Reference.Folder, Small, "model.safetensors"), file);

        using (var source = AstCheckpoint.OpenAuthors(file, SmallOptions))
            CheckpointImport.Import(source, Target, Cache);

        AssertLogits(Target, 1e-3f);
    }

    [Theory]
    [InlineData("_orig_mod.")]
    [InlineData("module.")]
    [InlineData("module.module.")]
    [InlineData("model.")]
    [InlineData("model.model.")]
    [InlineData("net.")]
    [InlineData("net._orig_mod.")]
    [InlineData("module._orig_mod.model.")]
    public void Open_NamesWithSomethingBefore_AreKnown(string prefix)
    {
        var source = HuggingFace("source");
        Rename(Path.Combine(source, "model.safetensors"), name => name == "__metadata__" ? name : prefix + name);

        AssertLogits(source, 1e-3f);
    }

    [Fact]
    public void Open_CompiledPartsOfAModel_AreKnown()
    {
        var source = HuggingFace("source");
        Rename(Path.Combine(
            source, "model.safetensors"), name => name.Replace("encoder.layer.1.", "encoder.layer.1._orig_mod.", StringComparison.Ordinal));

        AssertLogits(source, 1e-3f);
    }

    [Fact]
    public void Open_OtherNames_ShowsThoseThatWereFoundFirst()
    {
        var source = HuggingFace("source");
        Rename(Path.Combine(source, "model.safetensors"), name => name == "__metadata__" ? name : "backbone.x." + name);

        var e = Assert.Throws<InvalidCheckpointException>(() => AstCheckpoint.Open(source));

        Assert.Contains(" tensors: backbone.x.", e.Message.Split('\n')[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WeightsByAnotherName_AreTakenWhereThereIsNoDoubt()
    {
        var source = HuggingFace("source");
        var weights = Path.Combine(source, "model.safetensors");
        File.Move(weights, Path.Combine(source, "best.safetensors"));
        File.WriteAllText(Path.Combine(source, "adapter_model.safetensors"), "");

        AssertLogits(source, 1e-3f);
        using (var byFile = AstCheckpoint.Open(Path.Combine(source, "best.safetensors")))
            Assert.Equal(source, byFile.Folder);

        File.WriteAllText(Path.Combine(source, "other.safetensors"), "");
        AssertFails(() => AstCheckpoint.Open(source), "found adapter_model.safetensors, best.safetensors, config.json, other.safetensors");
    }

    [Fact]
    public void Open_TrainersFolders_GiveTheirLastStep()
    {
        foreach (var step in (string[])["checkpoint-9", "checkpoint-10", "checkpoint-2"])
        {
            HuggingFace(Path.Combine("run", step));
            File.Delete(Path.Combine(_folder, "run", step, "preprocessor_config.json"));
        }

        var run = Path.Combine(_folder, "run");
        AssertFails(() => AstCheckpoint.Open(run), "preprocessor_config.json: no such file, and no processor_config.json");
        File.Copy(Path.Combine(Reference.Folder, Small, "preprocessor_config.json"), Path.Combine(run, "preprocessor_config.json"));

        using var last = AstCheckpoint.Open(run);
        Assert.Equal("checkpoint-10", last.Name);
        Assert.Contains("its last step, checkpoint-10, of 3", Assert.Single(last.Warnings), StringComparison.Ordinal);
        using var one = AstCheckpoint.Open(Path.Combine(run, "checkpoint-2"));
        Assert.Empty(one.Warnings);
        CheckpointImport.Import(one, Target, Cache);
        AssertLogits(Target, 1e-3f);
    }

    [Fact]
    public void Import_ProcessorConfig_BecomesAPreprocessors()
    {
        var source = HuggingFace("source");
        var extractor = Path.Combine(source, "preprocessor_config.json");
        var inner = JsonNode.Parse(File.ReadAllText(extractor))!;
        inner["mean"] = -5.5;
        File.WriteAllText(Path.Combine(source, "processor_config.json"),
            new JsonObject { ["processor_class"] = "ASTProcessor", ["feature_extractor"] = inner }.ToJsonString());
        File.Delete(extractor);

        Import(source);

        using var imported = AstCheckpoint.Open(Target);
        Assert.Equal(-5.5f, imported.Extractor.Mean);
    }

    [Fact]
    public void Open_ModelWithoutClassifier_GivesItsOtherOutputs()
    {
        var source = HuggingFace("source");
        Retensor(source, name => name.StartsWith(
            "classifier.", StringComparison.Ordinal) ? null : name["audio_spectrogram_transformer.".Length..]);

        AssertFails(() => AstCheckpoint.Open(source), "without a classifier (ASTModel)");
        using var checkpoint = AstCheckpoint.OpenForOutputs(source);
        Assert.False(checkpoint.HasHead);
        using var session = AstSession.Create(
            checkpoint, new AstSessionOptions
            {
                CacheFolder = Cache,
                BatchSizes = [1],
                FoldNormalization = false,
                Outputs = AstOutputs.PoolerOutput
            });
        Reference.Npy($"{Small}/noise-3s.input_values.npy").Values.CopyTo(session.Input(0));
        session.Run(1);
        Reference.AssertClose(
            Reference.Npy($"{Small}/noise-3s.pooler_output.npy").Values, session.Read(AstOutputs.PoolerOutput, 0, out _), 1e-3f);
    }

    [Fact]
    public void Open_FilesThatAreSomethingElse_SayWhatAndWhatToDo()
    {
        var source = HuggingFace("source");
        var weights = Path.Combine(source, "model.safetensors");
        File.WriteAllText(weights, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        AssertFails(() => AstCheckpoint.Open(source), "is a pointer of Git LFS");
        File.WriteAllText(weights, "<!DOCTYPE html><html></html>");
        AssertFails(() => AstCheckpoint.Open(source), "is an HTML page");
        File.Delete(weights);
        File.WriteAllText(Path.Combine(source, "adapter_config.json"), "{}");
        AssertFails(() => AstCheckpoint.Open(source), "merge_and_unload");
        File.Delete(Path.Combine(source, "adapter_config.json"));
        File.Copy(Path.Combine(Reference.Folder, Small, "model.safetensors"), weights);
        File.WriteAllText(Path.Combine(source, "config.json"), "<html>");
        AssertFails(() => AstCheckpoint.Open(source), "config.json: is an HTML page");
    }

    [Fact]
    public void Open_EqualAndEmptyLabels_AreToldApartAndReachedByTheirThreshold()
    {
        var source = HuggingFace("source");
        var path = Path.Combine(source, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!;
        config["id2label"] = new JsonObject { ["0"] = "dog", ["1"] = "dog#2", ["2"] = "dog", ["3"] = "", ["4"] = "dog" };
        File.WriteAllText(path, config.ToJsonString());
        File.WriteAllText(Path.Combine(source, "thresholds.json"), """{"thresholds": {"dog#4": 0.9, "dog": 0.25}}""");

        using var checkpoint = AstCheckpoint.Open(source);

        Assert.Equal(["dog", "dog#2", "dog#3", "LABEL_3", "dog#4"], checkpoint.Config.Labels);
        Assert.Equal([0.25f, 0.25f, 0.25f, float.NaN, 0.9f], checkpoint.Thresholds);
        Assert.Contains("class 2 is called 'dog#3', class 3 is called 'LABEL_3', class 4 is called 'dog#4'", Assert.Single(
            checkpoint.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gelu_python", 0, 1e-6)]
    [InlineData("gelu_pytorch_tanh", 1e-6, 0.01)]
    [InlineData("gelu_new", 1e-6, 0.01)]
    [InlineData("relu", 0.001, 10)]
    [InlineData("silu", 0.001, 10)]
    public void Open_HiddenAct_IsThatOfTheConfiguration(string act, double least, double most)
    {
        var source = HuggingFace("source");
        var path = Path.Combine(source, "config.json");
        var gelu = Logits(source);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"gelu\"", $"\"{act}\"", StringComparison.Ordinal));

        var logits = Logits(source);

        Assert.InRange(gelu.Zip(logits, (a, b) => Math.Abs(a - b)).Max(), least, most);
    }

    [Fact]
    public void OpenAuthors_AudioSetLabels_AreMultiLabelAndOwnNamesAreKept()
    {
        var file = Path.Combine(Reference.Folder, Small + ".original.pth");
        using var named = AstCheckpoint.OpenAuthors(
            file, SmallOptions with { Labels = ["a", "b", "c", "d", "Ä"], ProblemType = "multi_label_classification" });
        CheckpointImport.Import(named, Target, Cache);
        using var imported = AstCheckpoint.Open(Target);
        Assert.Equal("Ä", imported.Config.Labels[4]);
        Assert.Equal(ScoreActivation.Sigmoid, imported.Config.DefaultActivation);
    }

    [Fact]
    public void Average_ThreeCheckpoints_IsTheMeanOfTheirWeights()
    {
        var folders = new[] { "a", "b", "c" }.Select(HuggingFace).ToArray();
        Scale(folders[1], 2);
        Scale(folders[2], 3);
        var sources = folders.Select(AstCheckpoint.Open).ToList();

        CheckpointImport.Average(sources, Target, Cache);

        using var averaged = AstCheckpoint.Open(Target);
        Assert.Equal("F32", averaged.DTypes);
        foreach (var (name, _) in AstTensors.Expected(averaged.Config))
        {
            var one = sources[0].Read(name);
            Reference.AssertClose([.. one.Select(v => 2 * v)], averaged.Read(name), 1e-3f);
        }

        sources.ForEach(s => s.Dispose());
    }

    [Fact]
    public void Average_OtherModel_IsRefused()
    {
        using var one = AstCheckpoint.Open(HuggingFace("a"));
        using var other = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-10x10"));
        AssertFails(() => CheckpointImport.Average([one, other], Target, Cache), "has another architecture than");
        Assert.False(Directory.Exists(Target));

        var relabelled = HuggingFace("b");
        var config = Path.Combine(relabelled, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("class 3", "klasse 3", StringComparison.Ordinal));
        using var labels = AstCheckpoint.Open(relabelled);
        AssertFails(() => CheckpointImport.Average([one, labels], Target, Cache), "has other labels than");
    }

    [Fact]
    public void Import_TargetThatHoldsSomething_IsLeftAlone()
    {
        Directory.CreateDirectory(Target);
        File.WriteAllText(Path.Combine(Target, "mine"), "");
        AssertFails(() => Import(HuggingFace("source")), "is not empty; expected a folder that does not exist yet, or an empty one");
        Assert.Equal("mine", Path.GetFileName(Assert.Single(Directory.EnumerateFileSystemEntries(Target))));
    }

    [Fact]
    public void Import_BrokenWeight_LeavesNothingBehind()
    {
        var source = HuggingFace("source");
        var weights = Path.Combine(source, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        (bytes[^1], bytes[^2]) = (0x7e, 0); // a NaN in half precision
        File.WriteAllBytes(weights, bytes);
        AssertFails(() => Import(source), "expected finite weights");
        Assert.Equal(
            ["cache", "source"],
            Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Where(n => n != "cache").Append("cache").Order());
    }

    [Fact]
    public void RandomCheckpoint_SameSize_IsMadeOnceAndAlwaysTheSame()
    {
        var first = RandomCheckpoint.GetOrMake("tiny", Cache);
        using var checkpoint = AstCheckpoint.Open(first);
        Assert.Equal(
            (192, 12, 3, 527, 1214),
            (checkpoint.Config.HiddenSize, checkpoint.Config.NumHiddenLayers, checkpoint.Config.NumAttentionHeads,
            checkpoint.Config.Labels.Count, checkpoint.Config.Tokens));
        var weights = checkpoint.Read(AstTensors.PositionEmbeddings);
        Assert.InRange(Math.Sqrt(weights.Average(w => (double)w * w)), 0.0195, 0.0205);

        using var again = AstCheckpoint.Open(RandomCheckpoint.GetOrMake("tiny", Path.Combine(_folder, "other")));
        Assert.Equal(checkpoint.Hash, again.Hash);
    }

    private static void AssertFails(Action work, string message)
    {
        var e = Assert.Throws<InvalidCheckpointException>(work);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static void Rename(string weights, Func<string, string> rename)
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
    private static void Retensor(string folder, Func<string, string?> rename)
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

    private static float[] Logits(string folder)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        using var session = AstSession.Create(checkpoint,
            new AstSessionOptions { CacheFolder = Path.Combine(folder, "..", "cache"), BatchSizes = [1], FoldNormalization = false });
        Reference.Npy($"{Small}/noise-3s.input_values.npy").Values.CopyTo(session.Input(0));
        session.Run(1);
        return session.Logits(0).ToArray();
    }

    private static void Scale(string folder, float factor)
    {
        var weights = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        var values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes.AsSpan(8 + (int)BitConverter.ToUInt64(bytes)));
        foreach (ref var value in values)
            value = (Half)((float)value * factor);
        File.WriteAllBytes(weights, bytes);
    }

    private static void AssertLogits(string folder, float tolerance)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        using var session = AstSession.Create(checkpoint,
            new AstSessionOptions { CacheFolder = Path.Combine(folder, "..", "cache"), BatchSizes = [1], FoldNormalization = false });
        foreach (var clip in Reference.Clips)
        {
            Reference.Npy($"{Small}/{clip}.input_values.npy").Values.CopyTo(session.Input(0));
            session.Run(1);
            Reference.AssertClose(Reference.Npy($"{Small}/{clip}.logits.npy").Values, session.Logits(0), tolerance);
        }
    }

    private string HuggingFace(string name)
    {
        var folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.WriteAllBytes(Path.Combine(folder, file), File.ReadAllBytes(Path.Combine(Reference.Folder, Small, file)));
        return folder;
    }

    private void Import(string source)
    {
        using var checkpoint = AstCheckpoint.Open(source);
        CheckpointImport.Import(checkpoint, Target, Cache);
    }
}
