namespace AstStream.Streaming;

/// <summary>Where sound comes from. A source turns what it reads into blocks of one or more streams.</summary>
public interface IAudioSource
{
    /// <summary>What it reads, in a few words.</summary>
    string Description { get; }

    /// <summary>
    /// Reads to the end, or until <paramref name="stop"/> asks to drain: then it ends its streams where they are and returns.
    /// One stream's bad data is reported to <see cref="SourceOutput.Fail"/> and ends that stream only.
    /// </summary>
    Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation);
}

/// <summary>What a source writes to.</summary>
public sealed class SourceOutput(string source, Edge<AudioBlock> edge, RunReport report)
{
    /// <summary>The source's name in the pipeline.</summary>
    public string Source => source;

    /// <summary>Passes a block on, waiting while the graph is busy; the block is the graph's afterwards.</summary>
    public ValueTask WriteAsync(AudioBlock block, CancellationToken cancellation) => edge.WriteAsync(block, cancellation);

    /// <summary>Ends a stream at its length in samples of its own rate.</summary>
    public ValueTask EndAsync(StreamInfo stream, int sampleRate, long length, CancellationToken cancellation)
    {
        var end = AudioBlock.Rent(stream, MessageKind.End, length);
        end.SampleRate = sampleRate;
        end.Resize(0);
        return edge.WriteAsync(end, cancellation);
    }

    /// <summary>Reports that a stream failed; the run goes on and ends with an exit code that says so.</summary>
    public void Fail(string message) => report.Fail(source, message);

    /// <summary>Reports something odd that the stream was used with all the same.</summary>
    public void Warn(string message) => report.Warn(source, message);
}

internal sealed class SourceNode(string name, IAudioSource source, RunReport report, CancellationToken stop) : Node(name)
{
    private Edge<AudioBlock>? _output;

    public override string Description => source.Description;

    public void ConnectTo(Edge<AudioBlock> edge) => _output = WritesTo(edge);

    protected override Task WorkAsync(CancellationToken cancellation) => source.RunAsync(new SourceOutput(Name, _output!, report), stop, cancellation);
}
