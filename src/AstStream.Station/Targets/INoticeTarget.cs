namespace AstStream.Station.Targets;

/// <summary>Where notifications go. Called by one task at a time.</summary>
internal interface INoticeTarget : IDisposable
{
    /// <summary>Where that is, in a few words that hold no secret.</summary>
    string Place { get; }

    /// <summary>What it can send besides words.</summary>
    Wanted Attachments => Wanted.None;

    /// <summary>Sends a notification; it has arrived when this returns.</summary>
    /// <param name="notice">The notification.</param>
    /// <param name="files">What goes with it.</param>
    /// <param name="cancellation">Gives up, as when it takes too long.</param>
    /// <exception cref="TargetException">It has not arrived, or nobody can tell.</exception>
    Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation);
}
