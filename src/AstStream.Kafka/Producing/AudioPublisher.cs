using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Producing;

/// <summary>Publishes streams of sound as records of docs/wire-format.md: cuts them into blocks, which the outbox delivers.</summary>
internal sealed class AudioPublisher : IAsyncDisposable
{
    private readonly AudioPublisherOptions _options;
    private readonly Outbox _outbox;
    private readonly Dictionary<StreamInfo, StreamBlocks> _streams = [];

    /// <summary>Opens the spool and begins with what it holds.</summary>
    /// <exception cref="SinkException">The spool can't be used.</exception>
    public AudioPublisher(AudioPublisherOptions options, Action<string> warn) =>
        (_options, _outbox) = (options, new Outbox(options, warn));

    /// <summary>Takes sound. Without a spool it waits where brokers are too slow.</summary>
    public async ValueTask WriteAsync(AudioRecord record, CancellationToken cancellation)
    {
        if (!_streams.TryGetValue(record.Stream, out var blocks))
        {
            if (record.Kind == MessageKind.End)
                return;
            blocks = _streams[record.Stream] = new StreamBlocks(record.Stream, _options.IsFloat, _options.Block);
        }

        var joins = blocks.Joins(record);
        if (!joins && !record.Stream.IsAbandoned)
            await SendAsync(record.Stream, blocks, all: true, cancellation).ConfigureAwait(false);
        if (record.Kind == MessageKind.End)
        {
            _streams.Remove(record.Stream);
            if (record.Stream.IsAbandoned)
                return; // it goes on elsewhere
            await _outbox.TakeAsync(record.Stream.Id, null, null, cancellation).ConfigureAwait(false);
            return;
        }

        if (!joins)
            blocks.Begin(record.Start, record.SampleRate);
        blocks.Add(record.Samples);
        await SendAsync(record.Stream, blocks, all: false, cancellation).ConfigureAwait(false);
    }

    /// <summary>Waits until the brokers have everything; with a spool, not for long: the end puts there what they do not have.</summary>
    /// <exception cref="SinkException">They do not take it, and there is no spool.</exception>
    public ValueTask CompleteAsync(CancellationToken cancellation) => _outbox.CompleteAsync(cancellation);

    /// <summary>Waits until what was taken is with the brokers or in the spool.</summary>
    public ValueTask FlushAsync(CancellationToken cancellation) => _outbox.FlushAsync(cancellation);

    /// <summary>Streams that are open have no end here: they go on elsewhere, or were given up.</summary>
    public ValueTask DisposeAsync()
    {
        foreach (var (stream, blocks) in _streams)
        {
            while (blocks.Take(all: true) is { } block)
                _outbox.TakeLast(stream.Id, block.Value, block.Format);
        }

        return _outbox.DisposeAsync();
    }

    /// <summary>Sends a stream's whole blocks; all that there is where it does not go on after it.</summary>
    private async ValueTask SendAsync(StreamInfo stream, StreamBlocks blocks, bool all, CancellationToken cancellation)
    {
        while (blocks.Take(all) is { } block)
            await _outbox.TakeAsync(stream.Id, block.Value, block.Format, cancellation).ConfigureAwait(false);
    }
}
