using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>A checkpoint with the labels class 0 to class 4, and a localiser of three groups.</summary>
public sealed class LocaliserTests : CheckpointTrial
{
    private const string Own =
        """{"intermediate_size": 24, "groups": [["class 0", "class 1"], ["class 1"], ["class 2", "class 3", "class 1"]]}""";

    [Theory]
    [InlineData("noise-3s", AttentionImplementation.Sdpa)]
    [InlineData("bursts-12s", AttentionImplementation.Sdpa)]
    [InlineData("bursts-12s", AttentionImplementation.Eager)]
    public void Columns_OfAReferenceClip_ArePyTorchsAndLogitsStayAsTheyAre(string clip, AttentionImplementation attention)
    {
        Add(Own);
        using var source = AstCheckpoint.Open(_folder);
        using var session = Session(source, AstOutputs.Columns, attention);
        Reference.Npy($"{Small}/{clip}.input_values.npy").Values.CopyTo(session.Input(1));
        session.Input(0).Clear();

        session.Run(2);

        var expected = Reference.Npy($"{Small}/{clip}.columns.npy");
        var found = session.Read(AstOutputs.Columns, 1, out var shape);
        Assert.Equal(expected.Shape, shape);
        Reference.AssertClose(expected.Values, found, 1e-3f);
        Assert.True(found.SequenceEqual(session.Columns(1)));
        Reference.AssertClose(Reference.Npy($"{Small}/{clip}.logits.npy").Values, session.Logits(1), 1e-3f);
        Assert.Empty(source.Warnings);
    }

    [Fact]
    public void Create_ColumnsOfACheckpointWithoutLocaliser_SaysSo()
    {
        using var source = AstCheckpoint.Open(_folder);
        var e = Assert.Throws<ModelExecutionException>(() => Session(source, AstOutputs.Columns));
        Assert.Contains("has no localiser, which gives columns", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GroupOf_LabelsAndViews_IsTheGroupWithMostInCommon()
    {
        Edit("config.json", "problem_type", "\"multi_label_classification\"");
        File.WriteAllText(
            Path.Combine(_folder, "views.json"),
            """{"few": {"many": ["class 3", "class 1"], "none": ["class 4"], "a": ["class 0", "class 1"]}}""");
        Add(Own);
        using var source = AstCheckpoint.Open(_folder);
        Assert.Equal([0, 1, 2, 2, -1], source.GroupOf());

        source.Take("few");

        Assert.Equal([2, -1, 0], source.GroupOf());
    }

    /// <summary>A label that is learnt anew goes to the end: groups are of the labels they were of, wherever these are now.</summary>
    [Fact]
    public void Write_LocaliserBesideMovedLabels_KeepsItsGroupsAndAddsItsOwn()
    {
        Add(Own);
        using var source = AstCheckpoint.Open(_folder);
        var own = source.Config.Labels;
        string[] labels = [.. own.Skip(1), own[0], "kettle"];
        var groups = CheckpointLocaliser.Kept(source, ["kettle"]);
        var localiser = CheckpointLocaliser.Config(source, labels, groups, ["kettle"])!;
        var kept = groups.Count;
        var tensors = CheckpointLocaliser.Tensors(source, labels, localiser, groups);
        foreach (var (name, values) in CheckpointHead.Tensors(
            source, new ClassifierHead(labels, new float[labels.Length * source.Config.HiddenSize], new float[labels.Length])))
            tensors.Add(name, values);

        var target = Path.Combine(_folder, "target");
        CheckpointTraining.Write(
            source, CheckpointTraining.Config(source, labels, isMultiLabel: true, localiser), tensors, target,
            new Dictionary<string, byte[]>(), _folder);

        using var written = AstCheckpoint.Open(target);
        string[] Names(AstCheckpoint of) =>
            [.. of.Config.Localiser!.Groups.Select(g => string.Join('+', g.Select(l => of.Config.Labels[l])))];
        Assert.Equal([.. Names(source), "kettle"], Names(written));
        float[] Columns(AstCheckpoint of)
        {
            using var session = Session(of, AstOutputs.Columns);
            session.Input(0).Fill(-6);
            session.Run(1);
            return session.Columns(0).ToArray();
        }

        var (before, after) = (Columns(source), Columns(written));
        for (var column = 0; column < source.Config.TimePatches; column++)
        {
            for (var group = 0; group < kept; group++)
                Assert.Equal(before[(column * kept) + group], after[(column * (kept + 1)) + group], 1e-4);
            Assert.Equal(0, after[(column * (kept + 1)) + kept]); // its own says nothing yet
        }
    }

    /// <summary>The base's group goes: it would be asked in the new one's place, which begins as it was.</summary>
    [Fact]
    public void Tensors_ALabelThatHasAGroupAlready_TakesItsPlaceAndBeginsWithItsWeights()
    {
        Add(Own);
        using var source = AstCheckpoint.Open(_folder);
        var labels = source.Config.Labels;
        var groups = CheckpointLocaliser.Kept(source, ["class 1"]);
        Assert.Equal([0, 2], groups);

        var localiser = CheckpointLocaliser.Config(source, labels, groups, ["class 1"])!;
        var tensors = CheckpointLocaliser.Tensors(source, labels, localiser, groups);

        Assert.Equal([2], localiser.GroupOf([[1]]));
        Assert.Equal([0, 1], localiser.Groups[0]);
        var bias = source.Read("localiser.output.dense.bias");
        Assert.Equal([bias[0], bias[2], bias[1]], tensors["localiser.output.dense.bias"]);
        var weight = source.Read("localiser.output.dense.weight");
        Assert.Equal(weight.AsSpan(24, 24), tensors["localiser.output.dense.weight"].AsSpan(48, 24));
    }

    [Theory]
    [InlineData("3", "localiser: found 3; expected an object")]
    [InlineData("{}", "localiser: groups: found nothing; expected a list with a list of labels for each output")]
    [InlineData("""{"groups": []}""", "localiser: groups: found a list; expected a list with a list")]
    [InlineData("""{"groups": ["class 1"]}""", "localiser: groups[0]: found \"class 1\"; expected a list of labels")]
    [InlineData("""{"groups": [["class 1"], []]}""", "localiser: groups[1]: found a list; expected a list of labels")]
    [InlineData("""{"groups": [["class 1", "class 9"]]}""", "localiser: groups[0][1]: found \"class 9\"; expected a label of id2label")]
    [InlineData("""{"groups": [[7]]}""", "localiser: groups[0][0]: found 7; expected a label of id2label")]
    [InlineData("""{"groups": [["class 1"]], "intermediate_size": 0}""", "localiser: intermediate_size: found 0; expected a whole number")]
    public void Open_BrokenDescription_SaysWhatIsWrong(string description, string message)
    {
        Add(description);
        AssertFails("config.json: " + message);
    }

    [Fact]
    public void Open_DescriptionWithOtherShapes_NamesTheTensors()
    {
        Add("""{"intermediate_size": 24, "groups": [["class 0"]]}""");
        AssertFails("tensor localiser.output.dense.weight has shape [3, 24]; config.json asks for [1, 24]");
    }

    [Fact]
    public void Open_DescriptionWithoutTensors_NamesThem()
    {
        Edit("config.json", "localiser", Own);
        AssertFails("tensor localiser.layernorm.weight is missing; config.json asks for it with shape [48]");
    }

    private AstSession Session(AstCheckpoint source, AstOutputs outputs, AttentionImplementation attention = default) => AstSession.Create(
        source, new AstSessionOptions
        {
            CacheFolder = Path.Combine(_folder, "cache"),
            Outputs = outputs,
            Attention = attention,
            IsNormalized = true,
        });

    /// <summary>Adds the localiser's tensors, and a description of it.</summary>
    private void Add(string description)
    {
        Edit("config.json", "localiser", description);
        var (header, data) = Split();
        var own = Path.Combine(Reference.Folder, Small, "localiser.safetensors");
        var (ownHeader, ownData) = Split(own);
        (string, string, JsonArray, byte[]) Tensor(KeyValuePair<string, JsonNode?> t, byte[] from) =>
            (t.Key, t.Value!["dtype"]!.GetValue<string>(), t.Value["shape"]!.AsArray(), Slice(t.Value, from));
        var all = header.Where(t => t.Key != "__metadata__").Select(t => Tensor(t, data))
            .Concat(ownHeader.Where(t => t.Key != "__metadata__").Select(t => Tensor(t, ownData))).ToList();
        WriteTensors(Weights, all);
    }
}
