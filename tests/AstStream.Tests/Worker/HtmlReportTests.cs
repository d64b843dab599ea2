using AstStream.Learning.Evaluation;
using AstStream.Worker.Commands;

namespace AstStream.Tests.Worker;

public sealed class HtmlReportTests
{
    private const string Bad = "<img src=x onerror=alert(1)>&\"\u001b[31m";

    [Fact]
    public void Page_ClipsWithHostileNames_ShowsThemAsText()
    {
        LabelledClip[] clips = [new("a.wav", [Bad], "a", ""), new("b.wav", ["dog"], "b", "")];
        var report = new ClipReport([Bad, "dog"], clips, [[0.9f, 0.1f], [0.8f, 0.2f]]);

        var html = ClipHtml.Page(report, Bad);

        Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', html);
        Assert.Contains("&lt;img src=x", html, StringComparison.Ordinal);
        Assert.Contains("dog taken for &lt;img", html, StringComparison.Ordinal); // the one that is wrong
    }

    [Fact]
    public void Page_EventsWithHostileNames_ShowsThemAsText()
    {
        TimedLabel[] there = [new(Bad, Bad, 1, 2), new(Bad, "dog", 4, 5)];
        var pairs = new RecordingPairs(new Truth(new HashSet<string> { Bad }, there), [there[0], new(Bad, "cat", 7, 8)], 1);
        var points = new[] { (0.5, pairs.Reported) };
        var report = EventReport.Make(pairs.Truth, pairs.Reported, pairs.Hours, [0.25], 0.5, points);

        var html = EventHtml.Page(report, pairs, "p.yaml", 1, [Bad]);

        Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', html);
        Assert.Contains("50.0 % of what is there was heard at all", html, StringComparison.Ordinal);
        Assert.Equal(2, html.Split("rx=\"2\"")[..^1].Count(b => b.Contains("class=\"f2\"", StringComparison.Ordinal))); // found, and right
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(65, 80)]
    [InlineData(80, 80)]
    [InlineData(112.5, 120)]
    public void RoundUp_IsNotLessAndShort(double value, double rounded) => Assert.Equal(rounded, SvgPlot.RoundUp(value), 1e-9);
}
