using AstStream.Dsp;
using AstStream.Streaming;

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

/// <summary>An open way to sound.</summary>
/// <param name="reader">Reads its samples; the format is known.</param>
internal abstract class LiveConnection(PcmReader reader) : IAsyncDisposable
{
    /// <summary>How the samples are written.</summary>
    public PcmFormat Format => reader.Format;

    /// <summary>At the end: bytes that make no whole frame or record.</summary>
    protected long Rest => reader.Rest;

    /// <summary>Waits for sound; a chunk without bytes is the end.</summary>
    public virtual ValueTask<PcmChunk> ReadAsync(CancellationToken cancellation) => reader.ReadAsync(cancellation);

    /// <summary>Why it has ended, once it has.</summary>
    public abstract Task<LinkException> WhyEndedAsync();

    /// <summary>Closes it, whatever state it is in.</summary>
    public abstract ValueTask DisposeAsync();

    /// <summary>Reads what says how the samples are written, for so long; false where the other side ends before.</summary>
    /// <exception cref="LinkException">Nothing came in that time.</exception>
    public async Task<bool> ReadFormatAsync(string description, TimeSpan? patience, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (patience is { } time)
            limit.CancelAfter(time);
        try
        {
            return await reader.ReadFormatAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new LinkException($"{description} could not be opened within {patience?.TotalSeconds} s");
        }
    }
}

/// <summary>A way to sound is not there: it could not be opened, or it broke.</summary>
/// <param name="message">What happened and what to do, in one line and without a secret.</param>
/// <param name="reason">What the time until it is there again counts as.</param>
internal sealed class LinkException(string message, LossReason reason = LossReason.DeviceAway) : Exception(message)
{
    /// <summary>What the time until it is there again counts as.</summary>
    public LossReason Reason => reason;

    /// <summary>Whether it is an end in order, behind which there is nothing to be opened.</summary>
    public bool IsEnd { get; init; }

    /// <summary>Whether trying again can't help: something must be installed, or the definition changed.</summary>
    public bool IsFinal { get; init; }
}
