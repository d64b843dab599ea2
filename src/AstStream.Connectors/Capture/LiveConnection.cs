using AstStream.Connectors.Programs;
using AstStream.Dsp;

namespace AstStream.Connectors.Capture;

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
