using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Import;

namespace AstStream.Tests.Learning.Training;

/// <summary>On made embeddings: each label has a direction of its own.</summary>
public sealed class HeadTrainingTests
{
    private const int Width = 8;

    private static readonly HeadOptions s_options = new();

    [Fact]
    public void Train_LabelsThatCanBeToldApart_NamesWhatWasKeptOut()
    {
        var trained = Train(Clips("bark", 0, 20).Concat(Clips("meow", 1, 20)).Concat(Clips("nothing", -1, 20)));

        Assert.Equal(["bark", "meow"], trained.Labels);
        Assert.NotNull(trained.HeldOut);
        Assert.Equal(12, trained.HeldOut.Clips); // a fifth of each, of nothing too
        Assert.Equal(1, trained.HeldOut.Top1.Share);
        Assert.Equal((1, 1), trained.HeldOut.At("bark", trained.Thresholds[0]));
        Assert.Equal((48, 48), trained.Clips);
        Assert.All(trained.Head.Scores(Embedding(-1, 900)), s => Assert.True(s < 0.5, $"{s}"));
        Assert.All(trained.Thresholds, t => Assert.InRange(t, 0.01, 0.99));
    }

    [Fact]
    public void Train_LabelsThatDifferInCaseAlone_AreTwo()
    {
        var trained = Train(Clips("Bark", 0, 10).Concat(Clips("bark", 1, 10)).Concat(Clips("NOTHING", -1, 10)));

        Assert.Equal(["Bark", "bark"], trained.Labels);
    }

    /// <summary>As speakers do who say every word.</summary>
    [Fact]
    public void Train_RecordingsThatHaveEveryLabel_AreLearntFrom()
    {
        var clips = Clips("bark", 0, 10).Concat(Clips("meow", 1, 10))
            .Select((c, i) => c with { Clip = c.Clip with { Group = $"speaker {i % 10}" } }).ToList();

        var trained = Train(clips);

        Assert.Equal(["bark", "meow"], trained.Labels);
        Assert.Equal(10, trained.Clips.Recordings + trained.HeldOut!.Groups);
    }

    /// <summary>Clips of one recording, and copies under other names, stay together: else figures would be of what was learnt.</summary>
    [Fact]
    public void Train_SameSoundUnderOtherNames_IsOneRecording()
    {
        var clips = Clips("bark", 0, 10).Concat(Clips("meow", 1, 10)).ToList();
        clips.AddRange(clips.ToList().Select(
            c => c with { Clip = c.Clip with { Path = $"{c.Clip.Path}.b", Group = $"{c.Clip.Group}.b" } }));

        var trained = Train(clips);

        Assert.Equal(20, trained.Clips.Recordings + trained.HeldOut!.Groups);
        Assert.Equal(40, trained.Clips.Clips + trained.HeldOut.Clips);
    }

    [Fact]
    public void Train_KeptOutClipsThatAreTrainedOn_AreRefusedByName()
    {
        var clips = Clips("bark", 0, 5).Concat(Clips("meow", 1, 5)).ToList();
        var shared = clips[3] with { Clip = clips[3].Clip with { Path = "elsewhere.flac" } };

        var e = Assert.Throws<InvalidTrainingException>(() => Train(clips, [shared]));

        Assert.Contains($"elsewhere.flac is {clips[3].Clip.Path}", e.Message, StringComparison.Ordinal);
    }

    /// <summary>What sounds the same and is nothing counts against a label.</summary>
    [Fact]
    public void Train_NothingThatSoundsAlike_ShowsInTheFigures()
    {
        var alike = Clips("Nothing", 0, 30).Select((c, i) => c with { Windows = [Embedding(0, 500 + i)] });
        var trained = Train(Clips("bark", 0, 30).Concat(alike));

        Assert.Equal(["bark"], trained.Labels);
        Assert.InRange(trained.HeldOut!.MeanAveragePrecision, 0.2, 0.95);
        Assert.True(trained.HeldOut.At("bark", trained.Thresholds[0]).Precision < 0.9);
    }

    [Fact]
    public void Train_NothingButOneRecordingBesides_IsRefused()
    {
        var one = Clips("nothing", 1, 5).Select(c => c with { Clip = c.Clip with { Group = "one" } });
        var e = Assert.Throws<InvalidTrainingException>(() => Train(Clips("bark", 0, 20).Concat(one)));
        Assert.Contains("too little sound without 'bark'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_KeptOutClipsOfOtherLabels_AreRefused()
    {
        var e = Assert.Throws<InvalidTrainingException>(
            () => Train(Clips("bark", 0, 5).Concat(Clips("meow", 1, 5)), [.. Clips("moo", 2, 3)]));
        Assert.Contains("has one of the labels that are trained (bark, meow)", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 0, "no clip has a label")]
    [InlineData(9, 0, "every clip has the label 'bark'")]
    [InlineData(9, 1, "too little sound of 'meow' (1)")]
    public void Train_TooLittle_SaysWhatIsMissing(int barks, int meows, string problem)
    {
        var e = Assert.Throws<InvalidTrainingException>(() => Train(Clips("bark", 0, barks).Concat(Clips("meow", 1, meows))));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Train_SeveralWindowsOfAClip_CountAsOneAndAreMeasuredByTheFirst()
    {
        var clips = Clips("bark", 0, 10).Concat(Clips("meow", 1, 10))
            .Select(c => c with { Windows = [c.Windows[0], c.Windows[0], c.Windows[0]] }).ToList();
        var (one, three) = (Train(clips.Select(c => c with { Windows = [c.Windows[0]] })), Train(clips));

        Assert.Equal(one.Clips, three.Clips);
        Assert.Equal(one.HeldOut!.Clips, three.HeldOut!.Clips);
        Assert.All(one.Head.Weights.Zip(three.Head.Weights), w => Assert.Equal(w.First, w.Second, 1e-2));
    }

    /// <summary>A few judged events of what the base has: one recording is enough, and wrong ones alone are.</summary>
    [Fact]
    public void Train_EventsThatPeopleJudged_ChangesWhatWasJudgedAndLeavesTheRest()
    {
        float[] weights = [.. Enumerable.Range(0, 3).SelectMany(label => Enumerable.Range(0, Width).Select(i => i == label ? 1f : 0))];
        var prior = new ClassifierHead(["bark", "meow", "crow"], weights, [-2, -2, -2]);
        IEnumerable<EmbeddedClip> Judged(string label, int direction, int count, params string[] judged) => Clips(label, direction, count)
            .Select(c => c with { Clip = c.Clip with { Labels = [label], Judged = judged, Group = $"day {direction}" } });
        List<EmbeddedClip> clips =
        [
            .. Judged("nothing", 1, 10, "meow"), // what the base takes for meows is none
            .. Judged("bark", 0, 10, "bark"),
            .. Judged("nobody knows", 2, 10).Select(c => c with { Clip = c.Clip with { Labels = [] } }),
        ];
        var options = s_options with
        {
            Prior = prior,
            IsBalanced = false,
            HeldOut = 0,
            Ridge = 0.1,
            Thresholds = null,
            LeastThresholds = new Dictionary<string, double> { ["meow"] = 0.2, ["bark"] = 0.3 },
        };

        var trained = new HeadTraining(options, embedding => embedding).Train(clips, null, null, CancellationToken.None);

        Assert.Equal(["bark", "meow"], trained.Labels); // nobody judged a crow
        Assert.Equal((20, 2), trained.Clips);
        Assert.Equal(0.1, trained.Ridge);
        var before = new LogisticHead(weights, [-2, -2, -2]);
        var (meow, bark, crow) = (Embedding(1, 99), Embedding(0, 99), Embedding(2, 99));
        Assert.True(before.Scores(meow)[1] > 0.6);
        Assert.True(trained.Head.Scores(meow)[1] < 0.4);
        Assert.True(trained.Head.Scores(bark)[0] >= before.Scores(bark)[0]);
        Assert.Equal(before.Scores(crow)[0], trained.Head.Scores(crow)[0], 0.1);
        Assert.True(trained.Thresholds[0] >= 0.3 && trained.Thresholds[1] >= 0.2);

        // One day alone leaves nothing to choose thresholds by.
        var e = Assert.Throws<InvalidTrainingException>(() => new HeadTraining(options, embedding => embedding).Train(
            [.. Judged("bark", 0, 10, "bark")], null, null, CancellationToken.None));
        Assert.Contains("one recording alone to learn from", e.Message, StringComparison.Ordinal);
    }

    /// <summary>An event's score in a run is of what sounds alone and of the windows that have it.</summary>
    [Fact]
    public void ScoresBy_ARowWithWhatIsAround_IsTheGeometricMean()
    {
        var head = new LogisticHead([1, 0], [0]);
        var row = new TrainingRow([2, 0], [0], 1, "a", 0, true);

        double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        Assert.Equal(Sigmoid(2), Assert.Single(row.ScoresBy(head)), 1e-6);
        Assert.Equal(
            Math.Sqrt(Sigmoid(2) * Sigmoid(-1)), Assert.Single((row with { Around = [-1, 0] }).ScoresBy(head)), 1e-6);
    }

    private static TrainedHead Train(IEnumerable<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip>? heldOut = null) =>
        new HeadTraining(s_options, embedding => embedding).Train([.. clips], heldOut, null, CancellationToken.None);

    private static IEnumerable<EmbeddedClip> Clips(string label, int direction, int count) => Enumerable.Range(0, count).Select(
        i => new EmbeddedClip(new LabelledClip($"{label}/{i}.wav", [label], $"{label}-{i}", ""), $"{label}{i}", [Embedding(direction, i)]));

    private static float[] Embedding(int direction, int number)
    {
        var random = new Random((direction * 1000) + number);
        return [.. Enumerable.Range(0, Width).Select(i => (float)(random.NextDouble() - 0.5) + (i == direction ? 3 : 0))];
    }
}
