using System.Runtime.InteropServices;

namespace AstStream.Worker;

/// <summary>Ctrl-C and SIGTERM as a token, for commands that end in order when they are asked to.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly List<PosixSignalRegistration> _registrations;

    /// <summary>Listens from here on.</summary>
    /// <param name="outer">Cancels the token, too.</param>
    public StopSignal(CancellationToken outer = default)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(outer);
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(s => PosixSignalRegistration.Create(s, c =>
        {
            c.Cancel = true;
            _source.Cancel();
        }))];
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Runs a command that Ctrl-C ends in good order.</summary>
    /// <param name="command">The command.</param>
    /// <param name="left">What is left of one that was stopped.</param>
    public static async Task<int> GuardAsync(Func<CancellationToken, Task<int>> command, string left = "nothing was written")
    {
        using var stop = new StopSignal();
        try
        {
            return await command(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            Errors.Write($"stopped before it was done; {left}");
            return ExitCode.Failed;
        }
    }

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _source.Dispose();
    }
}
