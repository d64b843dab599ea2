namespace AstStream.Streaming.Scheduling;

/// <summary>
/// While a session runs on a fallback: opens in the background what was asked for, later and later, until it can be had. For one caller.
/// </summary>
internal sealed class SessionReturn : IDisposable
{
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _end = new();
    private IModelSession? _session; // open, and not taken

    /// <summary>Begins.</summary>
    /// <param name="open">Opens what was asked for, and fails where that can't be had.</param>
    /// <param name="time">The clock.</param>
    /// <param name="firstWait">How long it is waited at first; doubles.</param>
    /// <param name="ready">Called when the session is open.</param>
    public SessionReturn(Func<IModelSession> open, TimeProvider time, TimeSpan firstWait, Action ready) =>
        _ = OpenAsync(open, time, firstWait, ready);

    /// <summary>The session, when it is open and was not taken.</summary>
    public IModelSession? Session => Volatile.Read(ref _session);

    /// <summary>The session is the caller's from here on.</summary>
    public void Take() => Volatile.Write(ref _session, null);

    /// <summary>Gives up; a session that nobody has taken is closed, also one that is opened meanwhile.</summary>
    public void Dispose()
    {
        _end.Cancel();
        Interlocked.Exchange(ref _session, null)?.Dispose();
    }

    private async Task OpenAsync(Func<IModelSession> open, TimeProvider time, TimeSpan wait, Action ready)
    {
        var end = _end.Token;
        while (true)
        {
            await Task.Delay(wait < s_longestWait ? wait : s_longestWait, time, end).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing);
            if (end.IsCancellationRequested)
                return;
            wait = wait < s_longestWait ? wait * 2 : wait; // a TimeSpan that is doubled for ever overflows
            try
            {
                Volatile.Write(ref _session, await Task.Run(open, CancellationToken.None).ConfigureAwait(false));
            }
            catch (Exception)
            {
                continue; // it is away still: what the fallback was taken for was reported then
            }

            if (end.IsCancellationRequested)
                Interlocked.Exchange(ref _session, null)?.Dispose();
            else
                ready();
            return;
        }
    }
}
