using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Streaming;

/// <summary>What counts as progress.</summary>
public sealed class ProgressWatchTests : IDisposable
{
    private readonly RunReport _report = new();
    private readonly Edge<int> _edge = new("reader", 8);
    private readonly ProgressWatch _watch;

    public ProgressWatchTests()
    {
        _edge.AddWriter("writer");
        _watch = new ProgressWatch(_report, () => [_edge]);
    }

    public void Dispose() => _report.Dispose();

    [Fact]
    public void HasMoved_NothingWaits_IsProgress() => Assert.True(_watch.HasMoved() && _watch.HasMoved() && _watch.HasMoved());

    [Fact]
    public void HasMoved_MessageThatNobodyTakes_IsNone()
    {
        Assert.True(_edge.TryWrite(1));

        Assert.True(_watch.HasMoved());
        Assert.False(_watch.HasMoved());
        Assert.True(_edge.TryWrite(2)); // more to do is no progress
        Assert.False(_watch.HasMoved());
        Assert.True(_edge.TryRead(out _));
        Assert.True(_watch.HasMoved());
        Assert.False(_watch.HasMoved());
        Assert.True(_edge.TryRead(out _));
        Assert.True(_watch.HasMoved() && _watch.HasMoved());
    }

    [Fact]
    public void HasMoved_SinkThatIsTriedAgain_IsProgress()
    {
        Assert.True(_edge.TryWrite(1));
        Assert.True(_watch.HasMoved());
        _report.SinkRetries("log");

        Assert.True(_watch.HasMoved());
        Assert.False(_watch.HasMoved());
    }

    [Fact]
    public void HasMoved_SinkThatWaitsForItsNextTryOrForSomebody_IsProgress()
    {
        Assert.True(_edge.TryWrite(1));
        _report.SinkFails("log", "disk full", TimeSpan.FromMinutes(1));
        Assert.True(_watch.HasMoved() && _watch.HasMoved() && _watch.HasMoved()); // tries are up to half a minute apart

        _report.SinkRecovers("log", 0);
        Assert.False(_watch.HasMoved());
        _report.SinkWaits();
        Assert.True(_watch.HasMoved());
        Assert.False(_watch.HasMoved());
    }

    [Fact]
    public async Task HasMoved_CallThatHangs_IsNone()
    {
        using var release = new ManualResetEventSlim();
        var call = Task.Run(() => HangGuard.Run("a call of the watch's test", TimeSpan.FromMilliseconds(1), release.Wait));
        while (!HangGuard.IsHung)
            await Task.Delay(10);

        Assert.False(_watch.HasMoved());
        release.Set();
        await call;
    }
}
