using AstStream.Station.Live;

namespace AstStream.Tests.Station;

public sealed class LiveViewerTests
{
    private const byte Columns = LiveStream.Columns, Sound = LiveStream.Sound;

    [Fact]
    public async Task Take_MessagesOfBothKinds_AreOneOfEach()
    {
        var viewer = new LiveViewer(wantsSound: true, wantsFrames: true);
        foreach (var message in new byte[][] { [Columns, 1, 2], [Sound, 9], [Columns, 3], [Sound, 8, 7] })
            viewer.Send(message);

        Assert.True(await viewer.WaitAsync(CancellationToken.None));
        Assert.Equal([[Columns, 1, 2, 3], [Sound, 9, 8, 7]], viewer.Take().Select(m => m.ToArray()));
        Assert.Empty(viewer.Take());
    }

    [Fact]
    public async Task WaitAsync_AfterTheEnd_GivesWhatIsLeftAndThenNothing()
    {
        var viewer = new LiveViewer(wantsSound: false, wantsFrames: true);
        viewer.Send([Columns, 5]);
        viewer.End();

        Assert.True(await viewer.WaitAsync(CancellationToken.None));
        Assert.Equal([[Columns, 5]], viewer.Take().Select(m => m.ToArray()));
        Assert.False(await viewer.WaitAsync(CancellationToken.None));
    }

    [Fact]
    public void Send_ToOneThatTakesNothing_ForgetsTheOldest()
    {
        var viewer = new LiveViewer(wantsSound: false, wantsFrames: true);
        for (var i = 0; i < 200; i++)
            viewer.Send([Columns, (byte)i]);

        var kept = Assert.Single(viewer.Take());

        Assert.Equal([.. Enumerable.Range(136, 64).Select(i => (byte)i)], kept[1..].ToArray());
    }
}
