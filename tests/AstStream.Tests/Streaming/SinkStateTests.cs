using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Streaming;

/// <summary>How the report says that sinks do.</summary>
public sealed class SinkStateTests
{
    [Fact]
    public void Sinks_OneInAnothersPlace_HasAStateOfItsOwnAndLeavesNone()
    {
        using var report = new RunReport();
        var (before, after) = (new object(), new object());
        report.SinkBegins("log", before);
        report.SinkFails("log", "disk full", TimeSpan.FromMinutes(1), before);
        Assert.Equal(SinkState.Failing, report.Sinks["log"]);

        report.SinkBegins("log", after);
        report.SinkIsOut("log", "disk full", before); // it ends beside
        report.SinkEnds("log", before);
        Assert.Equal(SinkState.Well, report.Sinks["log"]);

        report.SinkIsOut("log", "disk full", after);
        Assert.Equal(SinkState.Out, report.Sinks["log"]);
        report.SinkEnds("log", after);
        Assert.Empty(report.Sinks);
    }
}
