using System.Diagnostics;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// Watches calls of libraries that can hang for good, in spite of time limits of their own. A call that takes too long is reported with its
/// name and since when; what to do about it is the process's affair. The watching needs nothing of what may hang: a thread of its own, and
/// the clock.
/// </summary>
public static class HangGuard
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private static readonly object s_gate = new();
    private static readonly List<Call> s_calls = [];
    private static Thread? s_watcher;

    /// <summary>A call has taken too long: what it is, and since when, in words. Told once for each call.</summary>
    public static event Action<string>? Hung;

    /// <summary>Calls under way, by name, with the seconds that each has taken.</summary>
    public static IReadOnlyList<(string What, double Seconds)> UnderWay
    {
        get
        {
            lock (s_gate)
                return [.. s_calls.Select(c => (c.What, Stopwatch.GetElapsedTime(c.Start).TotalSeconds))];
        }
    }

    /// <summary>Whether a call is under way that has taken longer than it may.</summary>
    public static bool IsHung
    {
        get
        {
            lock (s_gate)
                return s_calls.Exists(c => Stopwatch.GetElapsedTime(c.Start) > c.Limit);
        }
    }

    /// <summary>Runs a call that must not take longer than a limit.</summary>
    /// <param name="what">What is called, and where.</param>
    /// <param name="limit">How long it may take, its own time limit included.</param>
    /// <param name="call">The call.</param>
    public static T Run<T>(string what, TimeSpan limit, Func<T> call)
    {
        var entry = new Call(what, limit, Stopwatch.GetTimestamp());
        lock (s_gate)
        {
            s_calls.Add(entry);
            if (s_watcher is null)
            {
                s_watcher = new Thread(Watch) { IsBackground = true, Name = "aststream hang guard" };
                s_watcher.Start();
            }
        }

        try
        {
            return call();
        }
        finally
        {
            lock (s_gate)
                s_calls.Remove(entry);
        }
    }

    /// <summary>The same, for a call without a result.</summary>
    public static void Run(string what, TimeSpan limit, Action call) => Run(what, limit, () =>
    {
        call();
        return true;
    });

    private static void Watch()
    {
        using var never = new ManualResetEvent(initialState: false);
        while (!never.WaitOne(s_interval))
        {
            List<Call> late;
            lock (s_gate)
            {
                late = [.. s_calls.Where(c => !c.IsReported && Stopwatch.GetElapsedTime(c.Start) > c.Limit)];
                late.ForEach(c => c.IsReported = true);
            }

            foreach (var call in late)
            {
                var since = TimeProvider.System.GetUtcNow() - Stopwatch.GetElapsedTime(call.Start);
                var (took, limit) = (Stopwatch.GetElapsedTime(call.Start).TotalSeconds, call.Limit.TotalSeconds);
                Hung?.Invoke(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"{call.What} hangs since {since:yyyy-MM-dd'T'HH:mm:ss'Z'}, for {took:0} s; expected an answer within {limit:0} s"));
            }
        }
    }

    private sealed class Call(string what, TimeSpan limit, long start)
    {
        public string What => what;

        public TimeSpan Limit => limit;

        public long Start => start;

        public bool IsReported { get; set; }
    }
}
