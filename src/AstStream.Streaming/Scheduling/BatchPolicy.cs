namespace AstStream.Streaming.Scheduling;

/// <summary>When a session's batch is sent, and which session gathers one. Pure: the caller gives it the time and has no lock.</summary>
internal static class BatchPolicy
{
    /// <summary>
    /// When a batch at hand must be sent: at once where it is full or nothing more can come, else when its oldest window has waited long
    /// enough.
    /// </summary>
    /// <param name="rows">Windows at hand, 1 or more.</param>
    /// <param name="maxBatch">The most that the session takes.</param>
    /// <param name="isDraining">Whether no further window will come.</param>
    /// <param name="oldestArrived">When the oldest one came.</param>
    /// <param name="maxQueueDelay">How long it may wait.</param>
    /// <param name="now">The time on the same clock.</param>
    /// <returns>How much longer to wait; zero or less: send.</returns>
    public static TimeSpan WaitBeforeSend(
        int rows, int maxBatch, bool isDraining, TimeSpan oldestArrived, TimeSpan maxQueueDelay, TimeSpan now) =>
        rows >= maxBatch || isDraining ? TimeSpan.Zero : oldestArrived + maxQueueDelay - now;

    /// <summary>
    /// The session that gathers the windows to come: an idle one, of these the one with most windows at hand; else, of those that prepare a
    /// batch while they run, the one that has run longest. Null where all are full or busy.
    /// </summary>
    public static T? Gatherer<T>(List<T> sessions)
        where T : class, ISessionLoad
    {
        T? best = null;
        foreach (var session in sessions)
        {
            if (session.Room > 0 && (session.IsIdle || session.PreparesAhead) && (best is null || IsBetter(session, best)))
                best = session;
        }

        return best;
    }

    private static bool IsBetter(ISessionLoad a, ISessionLoad b) =>
        a.IsIdle != b.IsIdle ? a.IsIdle
        : a.IsIdle ? a.AtHand > b.AtHand
        : a.BusySince < b.BusySince;
}
