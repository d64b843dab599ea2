namespace AstStream.Station.Targets;

/// <summary>One try to send a notification: it has a limit, and whatever goes wrong is a <see cref="TargetException"/>.</summary>
internal static class TargetTry
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    /// <summary>Tries it.</summary>
    /// <param name="target">The target.</param>
    /// <param name="notice">The notification.</param>
    /// <param name="files">What goes with it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="TargetException">It has not arrived, or nobody can tell.</exception>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public static async Task OnceAsync(
        INoticeTarget target, Notice notice, NoticeFiles files, TimeProvider time, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(s_longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, limit.Token);
        try
        {
            await target.SendAsync(notice, files, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new TargetException($"{target.Place} did not answer within {s_longest.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is not (TargetException or OperationCanceledException))
        {
            throw new TargetException($"{target.Place}: {e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")}");
        }
    }
}
