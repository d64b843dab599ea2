using AstStream.Connectors.Programs;

namespace AstStream.Connectors.Capture;

/// <summary>The output of a child process as a way to sound, which ends with the child.</summary>
internal sealed class ChildConnection : LiveConnection
{
    private readonly ChildProcess _child;
    private readonly Func<string, Task<LinkException>> _why;
    private readonly bool _takesLeave;

    private ChildConnection(PcmReader reader, ChildProcess child, Func<string, Task<LinkException>> why, bool takesLeave)
        : base(reader) => (_child, _why, _takesLeave) = (child, why, takesLeave);

    /// <summary>Waits until it is known how a child's samples are written. Where that fails, the child is ended.</summary>
    /// <param name="child">The child.</param>
    /// <param name="name">What it hears, for errors.</param>
    /// <param name="framing">What it writes.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="why">Says why it has ended, from what happened to the sound in a few words.</param>
    /// <param name="takesLeave">Whether it is asked to end before it is killed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="LinkException">It has ended, or takes too long.</exception>
    public static async Task<LiveConnection> OpenAsync(
        ChildProcess child, string name, PcmFraming framing, TimeSpan? patience,
            Func<string, Task<LinkException>> why, bool takesLeave, CancellationToken cancellation)
    {
        var connection = new ChildConnection(new PcmReader(child.Output, name, framing), child, why, takesLeave);
        try
        {
            return await connection.ReadFormatAsync(name, patience, cancellation).ConfigureAwait(false)
                ? connection : throw await why("can't be opened").ConfigureAwait(false);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override Task<LinkException> WhyEndedAsync() => _why("has ended");

    public override ValueTask DisposeAsync()
    {
        if (!_takesLeave)
            _child.Kill();
        return _child.DisposeAsync();
    }
}
