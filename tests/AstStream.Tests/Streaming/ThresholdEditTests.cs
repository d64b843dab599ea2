using AstStream.Streaming.Definitions;

namespace AstStream.Tests.Streaming;

/// <summary>A threshold in a person's file, with everything else as the person wrote it.</summary>
public class ThresholdEditTests
{
    [Theory]
    [InlineData("a: 1 # one\n", null, "a: 1 # one\n\nevents: {thresholds: {\"Dog\": 0.4}}\n")]
    [InlineData("a: 1", null, "a: 1\n\nevents: {thresholds: {\"Dog\": 0.4}}\n")]
    [InlineData("# top\nevents:\n  # how\n  merge_gap: 2s # gap\nb: 2\n", null,
        "# top\nevents:\n  # how\n  thresholds: {\"Dog\": 0.4}\n  merge_gap: 2s # gap\nb: 2\n")]
    [InlineData("events: {merge_gap: 2s}\n", null, "events: {thresholds: {\"Dog\": 0.4}, merge_gap: 2s}\n")]
    [InlineData("events: {}\n", null, "events: {thresholds: {\"Dog\": 0.4}}\n")]
    [InlineData("events:\n    thresholds:\n        Cat: 0.3 # cats\n", null,
        "events:\n    thresholds:\n        \"Dog\": 0.4\n        Cat: 0.3 # cats\n")]
    [InlineData("events:\n  thresholds:\n    Cat: 0.3\n    Dog:   0.25   # dogs\n", null,
        "events:\n  thresholds:\n    Cat: 0.3\n    Dog:   0.4   # dogs\n")]
    [InlineData("events: {thresholds: {'Dog': 1}, labels: [Dog]}", null, "events: {thresholds: {'Dog': 0.4}, labels: [Dog]}")]
    [InlineData("models:\n  small:\n    path: x\n", "small",
        "models:\n  small:\n    events: {thresholds: {\"Dog\": 0.4}}\n    path: x\n")]
    public void Apply_FilesOfAllLayouts_SetsTheThresholdAndLeavesTheRest(string text, string? model, string expected) =>
        Assert.Equal(expected, ThresholdEdit.Apply(text, model, "Dog", 0.4));

    [Fact]
    public void Apply_LabelsWithAnySigns_AreReadBackAsTheyAre()
    {
        const string label = "Water tap, \"faucet\": {#1} – ü";

        var text = ThresholdEdit.Apply(ThresholdEdit.Apply("events:\n  merge_gap: 1s\n", null, label, 0.12345), null, label, 0.2);

        Assert.Equal("events:\n  thresholds: {\"Water tap, \\\"faucet\\\": {#1} – ü\": 0.2}\n  merge_gap: 1s\n", text);
    }

    [Theory]
    [InlineData("events:\n", null)]
    [InlineData("events: 3\n", null)]
    [InlineData("- a\n- b\n", null)]
    [InlineData("a: [\n", null)]
    [InlineData("a: 1\n...\n", null)] // the document ends there
    public void Apply_WhatCannotBeEdited_SaysSoAndChangesNothing(string text, string? model)
    {
        var e = Assert.Throws<InvalidOperationException>(() => ThresholdEdit.Apply(text, model, "Dog", 0.4));

        Assert.Contains("can't be edited where it stands; expected it written out as a mapping", e.Message, StringComparison.Ordinal);
    }
}
