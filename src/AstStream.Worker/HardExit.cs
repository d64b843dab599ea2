using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AstStream.Worker;

/// <summary>
/// The last deadline of the process: whatever hangs then (a native call, a mount, the thread pool), it ends. A thread of its own that needs
/// nothing but the clock.
/// </summary>
internal static partial class HardExit
{
    private static readonly object s_gate = new();
    private static long s_due = long.MaxValue; // a timestamp
    private static int s_code;
    private static Thread? s_thread;

    /// <summary>The process ends after so long, unless an earlier end is set already.</summary>
    public static void Arm(TimeSpan after, int code)
    {
        lock (s_gate)
        {
            var due = Stopwatch.GetTimestamp() + (long)(after.TotalSeconds * Stopwatch.Frequency);
            if (due >= s_due)
                return;
            (s_due, s_code) = (due, code);
            if (s_thread is null)
            {
                s_thread = new Thread(Run) { IsBackground = true, Name = "aststream deadline", Priority = ThreadPriority.AboveNormal };
                s_thread.Start();
            }

            Monitor.Pulse(s_gate);
        }
    }

    /// <summary>Ends the process at once: nothing is closed, and nothing that hangs is waited for.</summary>
    public static void Now(int code)
    {
        if (!OperatingSystem.IsWindows())
            ExitNow(code);
        Environment.Exit(code);
    }

    private static void Run()
    {
        lock (s_gate)
        {
            while (true)
            {
                var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), s_due);
                if (left <= TimeSpan.Zero)
                    Now(s_code);
                Monitor.Wait(s_gate, left);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
