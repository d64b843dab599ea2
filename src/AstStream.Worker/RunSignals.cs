using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AstStream.Worker;

/// <summary>
/// What signals ask of a run: Ctrl-C and SIGTERM drain it, a second one stops it, SIGHUP reloads its definition. A handler first sets the
/// deadline and asks, then says so, and nothing that it does can wait. Lives as long as the process.
/// </summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001:Types that own disposable fields should be "
    + "disposable", Justification = "A signal may come at any time, as long as the process lives.")]
internal sealed class RunSignals
{
    private static readonly TimeSpan s_drainDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_hardDeadline = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_sameRequest = TimeSpan.FromMilliseconds(500); // service managers send one twice

    private static RunSignals? s_installed;

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _cancel = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private long _first; // when the first one came; 0: none has

    private RunSignals()
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            Hangup.Release();
        }));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnStop));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnStop));
    }

    /// <summary>Cancelled when the run is to drain.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Cancelled when it is to stop without draining.</summary>
    public CancellationToken Cancel => _cancel.Token;

    /// <summary>Released by each SIGHUP.</summary>
    public SemaphoreSlim Hangup { get; } = new(0);

    /// <summary>Installs the handlers, once a process: before anything else, as a signal that comes earlier ends it.</summary>
    public static RunSignals Install() => s_installed ??= new RunSignals();

    private void OnStop(PosixSignalContext context)
    {
        context.Cancel = true;
        var now = Stopwatch.GetTimestamp();
        var first = Interlocked.CompareExchange(ref _first, now, 0);
        if (first == 0)
        {
            HardExit.Arm(s_drainDeadline + s_hardDeadline, ExitCode.Stopped);
            _cancel.CancelAfter(s_drainDeadline);
            _ = _stop.CancelAsync();
            Console.Error.WriteLine(
                $"{(Console.IsErrorRedirected ? "" : "\n")}draining: what was heard is scored and written; Ctrl-C again stops at once");
            return;
        }

        if (Stopwatch.GetElapsedTime(first, now) < s_sameRequest)
            return;
        HardExit.Arm(s_hardDeadline, ExitCode.Stopped);
        _ = _cancel.CancelAsync();
    }
}
