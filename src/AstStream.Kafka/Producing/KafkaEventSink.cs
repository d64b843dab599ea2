using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Publishes events, scores and coverage as CloudEvents. Records of streams that are read from the same cluster with exactly-once delivery
/// are committed with their offsets; others are sent at once, and a flush waits until the brokers have them.
/// </summary>
internal sealed class KafkaEventSink : ISink
{
    private const double LingerMs = 2;

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5); // after which it is said that it waits
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10); // at the end, before it is tried again

    private readonly KafkaCluster _cluster;
    private readonly string _topic;
    private readonly IReadOnlyList<string> _states;
    private readonly CloudEvents _format;
    private readonly SchemaRegistration? _schemas;
    private readonly OrderedProducer<Pending> _producer;
    private bool _isAnsweredFor; // a message since the last flush is of a stream that somebody answers for
    private ISinkReport? _report;

    internal KafkaEventSink(KafkaEventSettings settings)
    {
        (_cluster, _topic, _states) = (new KafkaCluster(settings.Access), settings.Topic, settings.States);
        _format = new CloudEvents(settings.Source, settings.IsBinary);
        _schemas = settings.Schemas is { } schemas ? new SchemaRegistration(schemas, _topic) : null;
        _producer = new OrderedProducer<Pending>(_cluster, new OrderedProducerOptions(_topic, Description, settings.Memory, LingerMs));
    }

    public string Description => $"Kafka topic {_topic} at {_cluster.Name}";

    public ISinkReport Report
    {
        set => _report = value;
    }

    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        _ = Task.Run(WarnOfCompactionAsync, CancellationToken.None);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is SoundEvent e && !_states.Contains(e.State.SnakeCase()))
            return ValueTask.CompletedTask;
        var schema = _schemas?.Known(record);
        if (_schemas is not null && schema is null)
            return AskAndWriteAsync(_schemas, record, cancellation);
        if (IDelivery.Of(record) is KafkaStream { IsTransactional: true } stream)
        {
            if (!_cluster.IsIdentified)
                return IdentifyAndWriteAsync(record, cancellation);
            if (stream.IsCommittedAt(_cluster.Identity))
            {
                stream.Publish(record, new Outgoing(_topic, null, _format.Write(record, schema)));
                return ValueTask.CompletedTask;
            }
        }

        _isAnsweredFor |= IDelivery.Of(record) is not null;
        return _producer.SendAsync(new Pending(_format.Write(record, schema)), cancellation);
    }

    /// <summary>
    /// Waits where somebody answers for a stream; other streams do not wait for brokers that are away, as long as there is memory.
    /// </summary>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (_isAnsweredFor || _producer.Error is not null)
            await DeliverAsync(cancellation).ConfigureAwait(false);
        _isAnsweredFor = false;
        CountRefused();
    }

    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        await _producer.DeliverAsync(s_drain, cancellation).ConfigureAwait(false);
        CountRefused();
    }

    public ValueTask DisposeAsync()
    {
        _producer.Dispose();
        CountRefused();
        _format.Dispose();
        _schemas?.Dispose();
        return ValueTask.CompletedTask;
    }

    private async ValueTask DeliverAsync(CancellationToken cancellation)
    {
        var delivery = _producer.DeliverAsync(Timeout.InfiniteTimeSpan, cancellation);
        if (delivery.IsCompleted)
        {
            await delivery.ConfigureAwait(false);
            return;
        }

        var delivered = delivery.AsTask();
        while (await Task.WhenAny(delivered, Task.Delay(s_look, CancellationToken.None)).ConfigureAwait(false) != delivered)
            _report?.Waits();
        await delivered.ConfigureAwait(false);
    }

    /// <summary>Counts the messages that the brokers will never take: they would hold up all that comes after them.</summary>
    private void CountRefused()
    {
        var refused = _producer.TakeRefused();
        if (refused.Count == 0)
            return;
        _report?.Drop(
            refused.Count,
            $"{Description} does not take {refused.Count} of them, the largest of {refused.Max(r => r.Size)} bytes: "
                + $"{_cluster.Describe(refused[0].Error)}; max.message.bytes of the topic says how large they may be");
    }

    /// <summary>A topic that keeps only the last message of each key forgets events: their key is the stream.</summary>
    private async Task WarnOfCompactionAsync()
    {
        try
        {
            using var admin = _cluster.Admin();
            var config = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = _topic }],
                new DescribeConfigsOptions { RequestTimeout = s_drain }).WaitAsync(2 * s_drain).ConfigureAwait(false);
            if (config[0].Entries.TryGetValue(
                "cleanup.policy", out var policy) && policy.Value.Contains("compact", StringComparison.Ordinal))
                _report?.Warn(
                    $"topic {_topic} has cleanup.policy={policy.Value}: it keeps only the last event of each stream; expected delete");
        }
        catch (Exception e) when (e is KafkaException or TimeoutException)
        {
            // Not there yet, or not to be looked at: whoever writes to it hears of it.
        }
    }

    private async ValueTask AskAndWriteAsync(SchemaRegistration schemas, StreamRecord record, CancellationToken cancellation)
    {
        await schemas.AskAsync(record, cancellation).ConfigureAwait(false);
        await WriteAsync(record, cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether a stream's cluster is this one is known only when this one has said what it calls itself.</summary>
    private async ValueTask IdentifyAndWriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        try
        {
            await _cluster.IdentifyAsync().WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KafkaException or TimeoutException)
        {
            throw new SinkException($"{Description}: does not say which cluster it is: {_cluster.Describe(e)}", isTransient: true);
        }

        await WriteAsync(record, cancellation).ConfigureAwait(false);
    }
}
