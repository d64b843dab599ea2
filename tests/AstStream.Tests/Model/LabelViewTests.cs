using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Views of a checkpoint with the labels class 0 to class 4.</summary>
public sealed class LabelViewTests : CheckpointTrial
{
    [Fact]
    public void Take_ClassesOfItsOwn_HaveTheMeanOfTheirLabelsLogits()
    {
        Independent();
        Views("""{"few": {"both": ["class 3", "class 1"], "one": ["class 0"]}, "plain": ["class 4", "class 2"]}""");
        using var plain = AstCheckpoint.Open(_folder);
        using var viewed = AstCheckpoint.Open(_folder);
        viewed.Take("few");
        using var picked = AstCheckpoint.Open(_folder);
        picked.Take("plain");

        var all = Logits(plain);
        Assert.Equal(["both", "one"], viewed.Config.Labels);
        Reference.AssertClose([(all[3] + all[1]) / 2, all[0]], Logits(viewed), 1e-5f);
        Assert.Equal(["class 4", "class 2"], picked.Config.Labels);
        Reference.AssertClose([all[4], all[2]], Logits(picked), 1e-5f);
        Assert.Equal(3, new[] { plain.Hash, viewed.Hash, picked.Hash }.Distinct().Count());
    }

    [Fact]
    public void Take_Thresholds_AreTheViewsOwn()
    {
        Independent();
        Views("""{"few": {"both": ["class 3", "class 1"]}, "plain": ["class 4", "class 2"]}""");
        File.WriteAllText(Path.Combine(_folder, "thresholds.json"), """{"thresholds": {"class 4": 0.25}}""");
        File.WriteAllText(Path.Combine(_folder, "thresholds.few.json"), """{"thresholds": {"both": 0.75}}""");
        using var viewed = AstCheckpoint.Open(_folder);
        viewed.Take("few");
        using var picked = AstCheckpoint.Open(_folder);
        picked.Take("plain");

        Assert.Equal([0.75f], viewed.Thresholds!);
        Assert.Equal([0.25f, float.NaN], picked.Thresholds!);
    }

    [Theory]
    [InlineData("""{"Few": ["class 1"]}""", "views.json: \"Few\": expected a name of a-z")]
    [InlineData("""{"../few": ["class 1"]}""", "views.json: \"../few\": expected a name of a-z")]
    [InlineData("""{"few": ["class 1"], "few": ["class 2"]}""", "views.json: few: stands twice")]
    [InlineData("""{"few": ["class 9"]}""", "views.json: few: found \"class 9\"; expected labels of config.json")]
    [InlineData("""{"few": ["class 1", "class 1"]}""", "views.json: few: \"class 1\" stands twice")]
    [InlineData("""{"few": []}""", "views.json: few: found []; expected a list of labels")]
    [InlineData("""{"few": 3}""", "views.json: few: found 3; expected a list of labels, or an object")]
    [InlineData("""{"few": {}}""", "views.json: few: found {}; expected a list of labels, or an object")]
    [InlineData("""{"few": {"a": "class 1"}}""", "views.json: few.a: found \"class 1\"; expected a list of labels")]
    [InlineData("""{"few": {" ": ["class 1"]}}""", "views.json: few: \" \" is empty or stands twice")]
    [InlineData("""["few"]""", "views.json: holds a list; expected a JSON object")]
    [InlineData("""{"few": [""", "views.json:1:")]
    public void Open_BrokenViews_SaysWhatIsWrong(string views, string message)
    {
        Independent();
        Views(views);
        AssertFails(message);
    }

    [Fact]
    public void Open_ClassesOfScoresThatDependOnOneAnother_AreRefused()
    {
        Views("""{"few": {"a": ["class 1", "class 2"]}}""");
        AssertFails("few: has classes of its own, which are made of independent scores");
    }

    [Fact]
    public void Take_ViewThatIsNotThere_SaysWhichAre()
    {
        Independent();
        Views("""{"few": ["class 1"]}""");
        using var checkpoint = AstCheckpoint.Open(_folder);

        var e = Assert.Throws<InvalidCheckpointException>(() => checkpoint.Take("many"));
        Assert.Contains("has no view 'many'; expected one of few", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ancestors_AudioSetsLabels_AreThoseAboveThemThatAreThere()
    {
        using var checkpoint = AstCheckpoint.Open(_folder);
        var config = checkpoint.Config with { Labels = ["Bark", "Animal", "Dog", "class 3", "Growling", "Cat"] };

        // Growling stands below Dog and below Cat; what lies between Bark and Animal and is no label here is passed over.
        Assert.Equal(["1 2", "", "1", "", "1 2 5", "1"], config.Ancestors().Select(a => string.Join(' ', a)));
    }

    [Fact]
    public void Related_LabelsThatMeanTheSame_HaveOneAnother()
    {
        Edit("config.json", "id2label", """{"0": "Yip", "1": "x", "2": "Bark", "3": "Speech", "4": "Bow-wow"}""");
        Independent();
        Views("""{"plain": ["Speech", "Yip"], "own": {"one": ["x", "Yip"], "other": ["Speech"]}}""");
        using var checkpoint = AstCheckpoint.Open(_folder);

        // Yip, Bark and Bow-wow are AudioSet's; x and Yip make one class.
        Assert.Equal(["1 2 4", "0", "0 4", "", "0 2"], checkpoint.Related().Select(a => string.Join(' ', a)));
        checkpoint.Take("own");
        Assert.All(checkpoint.Related(), Assert.Empty);
    }

    [Fact]
    public void Views_OfAudioSet_AreThereWhereAllTheirLabelsAre()
    {
        using var checkpoint = AstCheckpoint.Open(_folder);
        string[] weather =
        [
            "Wind", "Rustling leaves", "Wind noise (microphone)", "Thunderstorm", "Thunder", "Rain", "Raindrop", "Rain on surface",
        ];

        Assert.Equal("weather", Assert.Single(ViewReader.Read(null, checkpoint.Config with { Labels = weather })).Key);
        Assert.Empty(ViewReader.Read(null, checkpoint.Config with { Labels = weather[1..] }));
        Assert.Empty(ViewReader.Read(null, checkpoint.Config with { Labels = [.. weather, "weather"] })); // a label wins
    }

    [Fact]
    public void Take_WithOthers_HasThemAfterItsClasses()
    {
        Independent();
        Views("""{"own": {"both": ["class 3", "class 1"], "class 2": ["class 0"]}}""");
        File.WriteAllText(Path.Combine(_folder, "thresholds.own.json"), """{"thresholds": {"both": 0.75}}""");
        using var checkpoint = AstCheckpoint.Open(_folder);
        checkpoint.Take("own", withOthers: true);
        using var plain = AstCheckpoint.Open(_folder);
        File.WriteAllText(Path.Combine(_folder, "thresholds.json"), """{"thresholds": {"class 4": 0.25}}""");
        using var tuned = AstCheckpoint.Open(_folder);
        tuned.Take("own", withOthers: true);

        // A class of the view has class 2's name, which would stand twice.
        Assert.Equal(["both", "class 2", "class 4"], checkpoint.Config.Labels);
        Assert.Equal(1, checkpoint.View!.Beside);
        Assert.Equal([0.75f, float.NaN, float.NaN], checkpoint.Thresholds!);
        Assert.Equal([0.75f, float.NaN, 0.25f], tuned.Thresholds!);
        Assert.Equal(Logits(plain)[4], Logits(checkpoint)[2], 1e-5f);
    }

    [Fact]
    public void Rivals_OfClasses_SayNothingOfWhatTheyAreMadeOf()
    {
        Edit("config.json", "id2label", """{"0": "Bark", "1": "Dog", "2": "Animal", "3": "Speech", "4": "Yip"}""");
        Independent();
        Views("""{"own": {"dog": ["Bark"], "talk": ["Speech"]}}""");
        using var plain = AstCheckpoint.Open(_folder);
        using var viewed = AstCheckpoint.Open(_folder);
        viewed.Take("own", withOthers: true);

        Assert.Equal(["3", "3", "3", "", "3"], LabelRivals.Of(plain, [3]).Select(r => string.Join(' ', r)));
        Assert.Equal(["dog", "talk", "Dog", "Animal", "Yip"], viewed.Config.Labels);

        // Dog and Animal are above Bark, and Yip means the same; Speech says something else than any of them.
        Assert.Equal(["", "2 3 4"], LabelRivals.Of(viewed, [2, 3, 4]).Take(2).Select(r => string.Join(' ', r)));
    }

    private void Independent() => Edit("config.json", "problem_type", "\"multi_label_classification\"");

    private void Views(string json) => File.WriteAllText(Path.Combine(_folder, "views.json"), json);

    private float[] Logits(AstCheckpoint checkpoint)
    {
        using var session = AstSession.Create(
            checkpoint, new AstSessionOptions { CacheFolder = Path.Combine(_folder, "cache"), BatchSizes = [1], IsNormalized = true });
        Reference.Npy($"{Small}/{Reference.Clips.First()}.input_values.npy").Values.CopyTo(session.Input(0));
        session.Run(1);
        return session.Logits(0).ToArray();
    }
}
