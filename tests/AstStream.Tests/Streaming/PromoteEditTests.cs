using AstStream.Streaming.Definitions;

namespace AstStream.Tests.Streaming;

/// <summary>A model and its shadow that change places in a person's file, with everything else as the person wrote it.</summary>
public class PromoteEditTests
{
    [Theory]
    [InlineData("model: {path: a, shadow: b} # two\n", null, "model: {path: b, shadow: a} # two\n")]
    [InlineData("model:\n  shadow: 'models/b c'  # new\n  hop: 1s\n  path: \"a\" # old\n", null,
        "model:\n  shadow: \"a\"  # new\n  hop: 1s\n  path: 'models/b c' # old\n")]
    [InlineData("model:\n  # soon\n  shadow: ${HOME}/b\n", null, "model:\n  # soon\n  path: ${HOME}/b\n  shadow: \"/default model\"\n")]
    [InlineData("model:\r\n  shadow: b\r\n", null, "model:\r\n  path: b\r\n  shadow: \"/default model\"\r\n")]
    [InlineData("models:\n  one: {path: x, shadow: y}\n  two: {path: a, shadow: b}\n", "two",
        "models:\n  one: {path: x, shadow: y}\n  two: {path: b, shadow: a}\n")]
    public void Apply_FilesOfAllLayouts_ExchangesTheTwoAndLeavesTheRest(string text, string? model, string expected)
    {
        var once = PromoteEdit.Apply(text, model, "/default model");

        Assert.Equal(expected, once);
        if (text.Contains("path", StringComparison.Ordinal))
            Assert.Equal(text, PromoteEdit.Apply(once, model, "/default model"));
    }

    [Theory]
    [InlineData("model: {path: a}\n", null, "model has no shadow; expected 'shadow: DIR' there")]
    [InlineData("models: {m: {path: a}}\n", "n", "models.n has no shadow")]
    [InlineData("a: [\n", null, "model has no shadow")]
    public void Apply_WhatHasNoShadow_SaysSo(string text, string? model, string message) => Assert.Contains(
        message, Assert.Throws<InvalidOperationException>(() => PromoteEdit.Apply(text, model, "/d")).Message, StringComparison.Ordinal);
}
