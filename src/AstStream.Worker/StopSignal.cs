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

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _source.Dispose();
    }
}
