using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;

namespace AstStream.Tests.Model;

/// <summary>Importing and averaging checkpoints.</summary>
public sealed class CheckpointImportTests : ImportTrial
{
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
}
