using System.Runtime.InteropServices;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Scheduling;

namespace AstStream.Tests.Streaming;

public sealed class ScorerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_Ensemble_IsTheMeanOfTheModelsScores()
    {
        using var one = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
        using var other = AstCheckpoint.Open(Altered());
        var input = Reference.Npy("ast-small-16x16-t256/noise-3s.input_values.npy").Values;

        var first = Scores(input, (one, ScoreActivation.Sigmoid));
        var second = Scores(input, (other, ScoreActivation.Softmax));
        var both = Scores(input, (one, ScoreActivation.Sigmoid), (other, ScoreActivation.Softmax));

        Assert.False(first.SequenceEqual(second));
        Reference.AssertClose([.. first.Zip(second, (a, b) => (a + b) / 2)], both, 1e-6f);
    }

    [Fact]
    public void Read_ModelWithALocaliser_GivesItsColumnsToPartsOfActivitiesAlone()
    {
        using var model = AstCheckpoint.Open(Reference.RepositoryFolder("pipelines/models/ast-audioset-tiny"));
        using var scorer = Scorer.Open(
            new ScorerOptions([model], [model.Config], [ScoreActivation.Sigmoid], "hash") { Places = true },
            new AstSessionOptions { CacheFolder = Path.Combine(_folder, "cache") });
        var (plain, aimed) = (Windows.From(new float[512 * 128], 512), Windows.From(new float[512 * 128], 512));
        aimed.Part = new ActivityPart(0, 1, ActivityProgress.Over);
        scorer.SetInput(0, 0, plain);
        scorer.SetInput(0, 1, aimed);
        scorer.Run(0, 2);

        scorer.Read(0, 0, plain);
        scorer.Read(0, 1, aimed);

        Assert.Equal(0, plain.Columns.Length);
        Assert.Equal(32 * model.Config.Localiser!.Groups.Count, aimed.Columns.Length);
        Assert.True(plain.Scores.SequenceEqual(aimed.Scores));
        plain.Return();
        aimed.Return();
    }

    [Fact]
    public void Open_OneBrokenModelOfTwo_ClosesTheOther()
    {
        using var one = AstCheckpoint.Open(Path.Combine(Reference.Folder, "ast-small-16x16-t256"));
        var folder = Altered();
        File.WriteAllText(Path.Combine(folder, "parity.json"), "{}");
        using var other = AstCheckpoint.Open(folder);
        Assert.Throws<ModelExecutionException>(
            () => Scores(new float[256 * 128], (one, ScoreActivation.None), (other, ScoreActivation.None)));
    }

    private float[] Scores(float[] input, params (AstCheckpoint Checkpoint, ScoreActivation Activation)[] models)
    {
        using var scorer = Scorer.Open(new ScorerOptions(
            [.. models.Select(m => m.Checkpoint)], [.. models.Select(m => m.Checkpoint.Config)], [.. models.Select(m => m.Activation)],
            "hash"),
                new AstSessionOptions { CacheFolder = Path.Combine(_folder, "cache") });
        var window = Windows.From(input, 256);
        scorer.SetInput(0, 0, window);
        scorer.Run(0, 1);
        scorer.Read(0, 0, window);
        var scores = window.Scores.ToArray();
        window.Return();
        return scores;
    }

    /// <summary>The small checkpoint with its weights made smaller.</summary>
    private string Altered()
    {
        var folder = Path.Combine(_folder, "altered");
        Directory.CreateDirectory(folder);
        foreach (var file in (string[])["config.json", "preprocessor_config.json", "model.safetensors"])
            File.WriteAllBytes(Path.Combine(folder, file), File.ReadAllBytes(Path.Combine(Reference.Folder, "ast-small-16x16-t256", file)));
        var weights = Path.Combine(folder, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        foreach (ref var value in MemoryMarshal.Cast<byte, Half>(bytes.AsSpan(8 + (int)BitConverter.ToUInt64(bytes))))
            value = (Half)((float)value * 0.5f);
        File.WriteAllBytes(weights, bytes);
        return folder;
    }
}
