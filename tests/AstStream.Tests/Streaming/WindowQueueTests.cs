using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Streaming;

public sealed class WindowQueueTests
{
    /// <summary>Early looks at one activity have one start.</summary>
    [Fact]
    public void PutBack_WindowsOfOneStart_TheOldestIsTheOneThatIsTaken()
    {
        var stream = new StreamTimeline(new StreamInfo("s", "s"), new WindowOptions(1024, 100, 128), isLive: true);
        var queue = new WindowQueue();
        for (var end = 1; end <= 3; end++)
            queue.Add(Piece.Rent(stream, [], 0, 0, 128, 0, 0, end, 1));
        var taken = new List<Piece>();
        queue.Take(3, taken);

        queue.PutBack(taken);

        for (var left = 3; left > 0; left--)
        {
            Assert.Equal((left, left), (queue.Count, queue.Live));
            Assert.Same(queue.Oldest, queue.TakeOldest());
        }

        taken.ForEach(w => w.Return());
    }
}
