namespace AstStream.Streaming.Sources;

/// <summary>Where sound comes from. A source turns what it reads into blocks of one or more streams.</summary>
public interface IAudioSource
{
    /// <summary>What it reads, in a few words.</summary>
    string Description { get; }

    /// <summary>
    /// Whether it can't wait: a device, or a stream from one. What comes too fast from it is dropped and counted as lost.
    /// </summary>
    bool IsLive { get; }

    /// <summary>
    /// Reads to the end, or until <paramref name="stop"/> asks to drain: then it ends its streams where they are and returns.
    /// One stream's bad data is reported to <see cref="SourceOutput.Fail"/> and ends that stream only.
    /// </summary>
    Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation);
}
