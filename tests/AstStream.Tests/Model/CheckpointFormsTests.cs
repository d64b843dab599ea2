using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Checkpoints that are opened as they are, in whatever form they come.</summary>
public sealed class CheckpointFormsTests : ImportTrial
{
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
                IsNormalized = true,
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
}
