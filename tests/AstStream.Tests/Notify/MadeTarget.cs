using System.Collections.Concurrent;
using AstStream.Station.Targets;

namespace AstStream.Tests.Notify;

/// <summary>A target that remembers what it got, and does what a test asks for.</summary>
/// <param name="send">What happens to a notification before it is taken.</param>
internal sealed class MadeTarget(Func<Notice, CancellationToken, Task>? send = null) : INoticeTarget
{
    public string Place => "a test";

    public Wanted Attachments { get; init; }

    /// <summary>What it has taken, in order.</summary>
    public ConcurrentQueue<(Notice Notice, NoticeFiles Files)> Taken { get; } = new();

    public async Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        if (send is not null)
            await send(notice, cancellation);
        Taken.Enqueue((notice, files));
    }

    /// <summary>Waits until it has taken so many, for 20 s at most.</summary>
    public async Task<IReadOnlyList<string>> TitlesAsync(int count)
    {
        for (var i = 0; i < 2000 && Taken.Count < count; i++)
            await Task.Delay(10);
        return [.. Taken.Select(t => t.Notice.Title)];
    }

    public void Dispose()
    {
        // It holds nothing.
    }

    /// <summary>It as a definition would have it.</summary>
    internal sealed record Settings(INoticeTarget Target) : TargetSettings
    {
        public override INoticeTarget Build(TimeProvider time) => Target;
    }
}
