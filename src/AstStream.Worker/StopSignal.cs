using System.Runtime.InteropServices;

namespace AstStream.Worker;

/// <summary>Ctrl-C and SIGTERM as a token, for commands that end in order when they are asked to.</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations;

    public StopSignal() =>
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(s => PosixSignalRegistration.Create(s, c =>
    {
        c.Cancel = true;
        _source.Cancel();
    }))];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        _registrations.ForEach(r => r.Dispose());
        _source.Dispose();
    }
}
