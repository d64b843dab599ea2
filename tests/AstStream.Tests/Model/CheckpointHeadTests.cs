using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>A checkpoint with another head: what it gives, and what is written of it.</summary>
public sealed class CheckpointHeadTests : CheckpointTrial
{
    private string Target => Path.Combine(_folder, "target");

    [Fact]
    public void Write_AnotherHead_GivesItsLogitsOfTheBasesEmbedding()
    {
        using var source = AstCheckpoint.Open(_folder);
        var width = source.Config.HiddenSize;
        float[] weights = [.. Enumerable.Range(0, 2 * width).Select(i => MathF.Sin(i))];
        var head = new ClassifierHead(["bark", "a \"quoted\" label"], weights, [0.25f, -0.5f]);

        Write(source, head, new Dictionary<string, byte[]> { ["README.md"] = "card"u8.ToArray() });

        using var written = AstCheckpoint.Open(Target);
        Assert.Equal(head.Labels, written.Config.Labels);
        Assert.Equal(ScoreActivation.Sigmoid, written.Config.DefaultActivation);
        Assert.Equal("card", File.ReadAllText(Path.Combine(Target, "README.md")));
        Assert.True(File.Exists(Path.Combine(Target, "parity.json")));
        var (embedding, _) = Run(source);
        var (same, logits) = Run(written);
        Assert.Equal(embedding, same);
        var normed = CheckpointHead.Norm(source)(embedding);
        for (var c = 0; c < 2; c++)
            Assert.Equal(normed.Select((v, i) => (double)v * weights[(c * width) + i]).Sum() + head.Bias[c], logits[c], 1e-4);
    }

    [Fact]
    public void Write_OwnConfiguration_KeepsWhatItDoesNotKnow()
    {
        var config = Path.Combine(_folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).TrimEnd()[..^1] + ", \"my_own_number\": 0.1, \"num_labels\": 5}");
        using var source = AstCheckpoint.Open(_folder);
        Write(source, new ClassifierHead(["x"], new float[source.Config.HiddenSize], [0]), new Dictionary<string, byte[]>());

        var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Target, "config.json"))).RootElement;
        Assert.Equal(0.1, json.GetProperty("my_own_number").GetDouble());
        Assert.Equal("x", json.GetProperty("id2label").GetProperty("0").GetString());
        Assert.Equal(0, json.GetProperty("label2id").GetProperty("x").GetInt32());
        Assert.False(json.TryGetProperty("num_labels", out _));
    }

    [Fact]
    public void Read_ScoresThatDependOnOneAnother_IsRefused()
    {
        var config = Path.Combine(_folder, "config.json");
        var json = File.ReadAllText(config).Replace("multi_label_classification", "single_label_classification", StringComparison.Ordinal);
        File.WriteAllText(config, json.Contains("problem_type", StringComparison.Ordinal) ? json
            : json.TrimEnd()[..^1] + ", \"problem_type\": \"single_label_classification\"}");
        using var source = AstCheckpoint.Open(_folder);
        var e = Assert.Throws<InvalidCheckpointException>(() => CheckpointHead.Read(source));
        Assert.Contains("replace its labels", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_WrittenIntoAFolder_ChangeTheScoresAndParity()
    {
        var source = Path.Combine(_folder, "imported");
        using (var first = AstCheckpoint.Open(_folder))
            CheckpointImport.Import(first, source, _folder);
        var before = File.ReadAllText(Path.Combine(source, "parity.json"));

        CheckpointStatistics.Write(source, -5.5, 4.25, _folder);

        using var after = AstCheckpoint.Open(source);
        Assert.Equal((-5.5f, 4.25f), (after.Extractor.Mean, after.Extractor.Std));
        Assert.NotEqual(before, File.ReadAllText(Path.Combine(source, "parity.json")));
        using var session = AstSession.Create(after, new AstSessionOptions { CacheFolder = _folder }); // refuses what parity does not bear
        Assert.Empty(session.Warnings);
    }

    private (float[] Embedding, float[] Logits) Run(AstCheckpoint checkpoint)
    {
        using var session = AstSession.Create(
            checkpoint, new AstSessionOptions { BatchSizes = [1], Outputs = AstOutputs.PoolerOutput, CacheFolder = _folder });
        var random = new Random(3);
        foreach (ref var value in session.Input(0))
            value = (float)((random.NextDouble() * 8) - 12);
        session.Run(1);
        return (session.Read(AstOutputs.PoolerOutput, 0, out _).ToArray(), session.Logits(0).ToArray());
    }

    private void Write(AstCheckpoint source, ClassifierHead head, Dictionary<string, byte[]> besides) => CheckpointTraining.Write(
        source, CheckpointTraining.Config(source, head.Labels, isMultiLabel: true, localiser: null),
        CheckpointHead.Tensors(source, head), Target, besides, _folder);
}
