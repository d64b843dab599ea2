using AstStream.Connectors.Programs;

namespace AstStream.Connectors.Capture;

/// <summary>A way to live sound that may break, and be opened again: a device, a network stream, a socket.</summary>
internal interface ILiveLink : IAsyncDisposable
{
    /// <summary>What it leads to, in a few words and without a secret.</summary>
    string Description { get; }

    /// <summary>Whether it can be opened again when it has ended; else the source ends with it.</summary>
    bool CanReopen { get; }

    /// <summary>Takes what happens while it waits to be opened, where several try: why one of them is not heard.</summary>
    Action<string>? Refused { set { } }

    /// <summary>Opens it and waits until it is known how its samples are written.</summary>
    /// <param name="patience">How long the other side may take, once it is asked; as long as it likes where not given.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="LinkException">It can't be opened now.</exception>
    Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation);

    /// <summary>Lets go of what outlives a connection; most links hold nothing.</summary>
    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}
