using AstStream.Events;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Producing;

/// <summary>Publishes sound as records that a Kafka source reads. It waits in a spool where there is one.</summary>
internal sealed class KafkaAudioSink(AudioPublisherOptions options) : ISink
{
    private AudioPublisher? _publisher;
    private bool _isAnsweredFor; // sound since the last flush is of a stream that somebody answers for
    private Action<string> _warn = _ => { };

    public string Description => $"Kafka topic {options.Topic} at {options.Access.Servers}, sound";

    public ISinkReport Report
    {
        set => _warn = value.Warn;
    }

    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        _publisher = new AudioPublisher(options, _warn);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is not AudioRecord sound)
            return ValueTask.CompletedTask;
        _isAnsweredFor |= sound.Stream.Delivery is not null;
        return _publisher!.WriteAsync(sound, cancellation);
    }

    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (_isAnsweredFor)
            await _publisher!.FlushAsync(cancellation).ConfigureAwait(false);
        _isAnsweredFor = false;
    }

    public ValueTask CompleteAsync(CancellationToken cancellation) => _publisher!.CompleteAsync(cancellation);

    public ValueTask DisposeAsync() => _publisher?.DisposeAsync() ?? ValueTask.CompletedTask;
}
