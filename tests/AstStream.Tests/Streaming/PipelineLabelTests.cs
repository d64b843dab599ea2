using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Tests.Model;
using AstStream.Worker;

namespace AstStream.Tests.Streaming;

/// <summary>Labels of a definition: names, views, and what stands above what.</summary>
public sealed class PipelineLabelTests : CheckpointTrial
{
    [Theory]
    [InlineData("labels: few", "class 1,class 3")]
    [InlineData("labels: [few, class 0]", "class 0,class 1,class 3")]
    [InlineData("labels: own", "a,b")] // these are the model's classes then
    [InlineData("", "class 0,class 1,class 2,class 3,class 4")]
    public void Load_LabelsByView_AreTheViewsLabels(string events, string wanted)
    {
        using var pipeline = Load(events);

        var model = pipeline.Models[0];
        Assert.Equal(wanted, string.Join(',', model.Labels.Where((_, i) => float.IsFinite(model.Events.Thresholds[i]))));
    }

    [Theory]
    [InlineData("labels: [own, class 0]", "events.labels: the view 'own' has classes of its own, so it stands alone")]
    [InlineData("labels: [b]",
        "events.labels: the model has no label 'b', its view 'own' does: 'labels: own' makes its classes the model's")]
    [InlineData("labels: fex", "events.labels: the model has no label 'fex'; did you mean 'few'?")]
    public void Load_LabelsByViewsThatDoNotFit_Throws(string events, string message) => Assert.Contains(
        message, Assert.Throws<InvalidPipelineException>(() => Load(events)).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_SinkWithAView_GetsTheViewsLabels()
    {
        using var pipeline = Load("", sink: "labels: [few, class 0]");

        Assert.Equal(["class 0", "class 1", "class 3"], pipeline.Definition.Sinks[0].Options.Labels!.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Load_SinkWithAViewThatIsNotThere_Throws() => Assert.Contains(
        "sinks.c.labels: no model has the label 'fex'; did you mean 'few'?",
        Assert.Throws<InvalidPipelineException>(() => Load("", sink: "labels: fex")).Message, StringComparison.Ordinal);

    [Fact]
    public void For_OtherLabelsWhileAViewsClassesRun_NeedARestart()
    {
        using var pipeline = Load("labels: own");
        using var next = Load("labels: few");
        var problems = new ConfigProblems();

        EventRules.For(next.Definition.Models[0].Events, pipeline.Models[0], problems);

        Assert.Contains(
            "the model runs with the classes of the view 'own'; other labels need a restart",
            Assert.Throws<InvalidPipelineException>(problems.ThrowIfAny).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("related: drop", "1 2")]
    [InlineData("", "1 2")]
    [InlineData("related: keep", "")]
    public void Load_RelatedLabels_CoverUnlessTheyAreKept(string events, string ancestors)
    {
        Edit("config.json", "id2label", """{"0": "Bark", "1": "Dog", "2": "Animal", "3": "class 3", "4": "class 1"}""");
        using var pipeline = Load(events, views: """{"few": ["class 3"]}""");

        var options = pipeline.Models[0].Events;
        Assert.Equal(ancestors, options.Ancestors.Count == 0 ? "" : string.Join(' ', options.Ancestors[0]));
    }

    [Fact]
    public void Load_EarlyOfSingleLabels_IsTheirs()
    {
        using var pipeline = Load("early: 1.5, early_labels: {class 1: 0.75}");
        using var usual = Load("early: 1.5");

        Assert.Equal([1.5f, 0.75f, 1.5f, 1.5f, 1.5f], pipeline.Models[0].Events.EarlySureties);
        Assert.Empty(usual.Models[0].Events.EarlySureties);
    }

    [Theory]
    [InlineData("labels: own", "2 3")]
    [InlineData("labels: own, unless: none", "")]
    [InlineData("labels: own, unless: class 4", "3")]
    [InlineData("labels: own, unless: few", "2")] // class 3 alone stands beside the view's classes
    [InlineData("labels: own, timing: window", "")] // a window has several sounds
    [InlineData("labels: own, timing: window, unless: b", "1")]
    [InlineData("", "")]
    [InlineData("unless: few", "1 3")]
    [InlineData("unless: [class 0, few]", "1 3")] // nothing rules itself out
    public void Load_Unless_RulesTheFirstLabelOut(string events, string rivals)
    {
        using var pipeline = Load(events);

        var options = pipeline.Models[0].Events;
        Assert.Equal(rivals, options.Rivals.Count == 0 ? "" : string.Join(' ', options.Rivals[0]));
    }

    [Fact]
    public void Load_LabelThatIsNoSound_RulesNothingOut()
    {
        File.WriteAllText(Path.Combine(_folder, "thresholds.json"), """{"thresholds": {"class 3": 1, "class 4": 0.9}}""");
        using var pipeline = Load("labels: own");

        Assert.Equal(["4"], pipeline.Models[0].Events.Rivals[0].Select(r => pipeline.Models[0].Labels[r][^1..]));
    }

    [Theory]
    [InlineData("unless: fex", "events.unless: the model has no label 'fex'; did you mean 'few'?")]
    [InlineData("unless: [none, class 0]", "events.unless: 'none' stands beside labels; expected it alone")]
    [InlineData("unless: own", "events.unless: the view 'own' has classes of its own, which rule nothing out")]
    [InlineData("labels: own, unless: own", "events.unless: the view 'own' has classes of its own, which rule nothing out")]
    [InlineData("unless: Unusual", "events.unless: the model has no label 'Unusual'")]
    public void Load_UnlessOfNoLabel_Throws(string events, string message) => Assert.Contains(
        message, Assert.Throws<InvalidPipelineException>(() => Load(events)).Message, StringComparison.Ordinal);

    private Pipeline Load(string events, string? sink = null, string? views = null)
    {
        Edit("config.json", "problem_type", "\"multi_label_classification\"");
        File.WriteAllText(
            Path.Combine(_folder, "views.json"),
            views ?? """{"few": ["class 3", "class 1"], "own": {"a": ["class 0", "class 1"], "b": ["class 2"]}}""");
        var path = Path.Combine(_folder, "pipeline.yaml");
        File.WriteAllText(path, $"sources: {{a: {{type: stdin}}}}\nmodel: {{path: {_folder}}}\nevents: {{{events}}}\n"
            + $"sinks: {{c: {{type: console, {sink}}}}}\n");
        return Pipeline.Load(path, [], new PipelineHost { Catalog = WorkerCatalog.All, DefaultModel = _folder });
    }
}
