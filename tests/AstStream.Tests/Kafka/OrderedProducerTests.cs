using AstStream.Kafka.Cluster;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Sinks;
using Confluent.Kafka;
using FsCheck.Xunit;

namespace AstStream.Tests.Kafka;

/// <summary>Messages in their order, whatever brokers answer.</summary>
public sealed class OrderedProducerTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly FlakyBroker _broker = new();
    private readonly OrderedProducer<Pending> _producer;

    public OrderedProducerTests() => _producer = Make(_broker);

    public void Dispose() => _producer.Dispose();

    [Property(MaxTest = 300)]
    public bool Take_WhateverIsAnswered_DeliversAllInOrderAndGivesUpPoisonAlone(byte[] steps)
    {
        var broker = new FlakyBroker();
        using var producer = Make(broker);
        var (sent, poison) = (0, new HashSet<int>());
        foreach (var step in steps)
        {
            switch (step % 8)
            {
                case 0 or 1 or 2:
                    if (step >= 200)
                        poison.Add(sent);
                    producer.Take(new Pending(FlakyBroker.Message(sent, poison.Contains(sent))));
                    sent++;
                    break;
                case 3 when broker.Opened > 0:
                    broker.Answer(1 + (step / 64));
                    break;
                case 4 when broker.Opened > 0:
                    broker.Answer(int.MaxValue, ErrorCode.TopicAuthorizationFailed);
                    break;
                case 5 when broker.Opened > 0:
                    broker.Break();
                    break;
                case 6:
                    producer.TryAgain(TimeSpan.Zero);
                    break;
                default:
                    broker.IsFull = !broker.IsFull;
                    break;
            }
        }

        broker.IsFull = false;
        for (var i = 0; i < sent + 10 && producer.Bytes > 0; i++)
        {
            producer.TryAgain(TimeSpan.Zero);
            broker.Answer(int.MaxValue);
        }

        return producer.Bytes == 0 && producer.Undelivered.Count == 0 && producer.TakeRefused().Count == poison.Count
            && broker.Delivered.Distinct().SequenceEqual(Enumerable.Range(0, sent).Except(poison));
    }

    [Fact]
    public async Task SendAsync_MemoryIsFull_WaitsForRoom()
    {
        await _producer.SendAsync(new Pending(new() { Key = new byte[4], Value = new byte[1000] }), CancellationToken.None);
        var waits = _producer.SendAsync(new Pending(FlakyBroker.Message(1, false)), CancellationToken.None).AsTask();
        await Task.Delay(50);
        Assert.False(waits.IsCompleted);

        _broker.Answer(1);

        await waits.WaitAsync(s_patience);
    }

    [Fact]
    public async Task DeliverAsync_BrokerRefuses_SaysWhyAndSendsItAgain()
    {
        await _producer.SendAsync(new Pending(FlakyBroker.Message(7, false)), CancellationToken.None);
        _broker.Answer(1, ErrorCode.TopicAuthorizationFailed);
        var delivering = _producer.DeliverAsync(s_patience, CancellationToken.None).AsTask();
        _broker.Answer(1, ErrorCode.TopicAuthorizationFailed);

        var e = await Assert.ThrowsAsync<SinkException>(() => delivering);
        Assert.True(e.IsTransient);
        Assert.StartsWith("events: told so", e.Message, StringComparison.Ordinal);
        delivering = _producer.DeliverAsync(s_patience, CancellationToken.None).AsTask();
        _broker.Answer(1);

        await delivering.WaitAsync(s_patience);
        Assert.Equal([7], _broker.Delivered);
    }

    [Fact]
    public async Task DeliverAsync_OneMessageIsPoison_OnlyThatIsGivenUpAndBatchesComeBack()
    {
        for (var i = 0; i < 5; i++)
            _producer.Take(new Pending(FlakyBroker.Message(i, isPoison: i == 2)));
        _broker.Answer(5); // all are refused for the one
        var delivering = _producer.DeliverAsync(s_patience, CancellationToken.None).AsTask();
        _broker.Answer(5); // one by one

        await delivering.WaitAsync(s_patience);
        Assert.Equal([0, 1, 3, 4], _broker.Delivered);
        Assert.Equal(ErrorCode.MsgSizeTooLarge, Assert.Single(_producer.TakeRefused()).Error.Code);
        _producer.Take(new Pending(FlakyBroker.Message(5, false)));
        Assert.Equal(3, _broker.Opened); // batches, one by one, batches
    }

    [Fact]
    public async Task DeliverAsync_NobodyAnswers_EndsWithItsPatience()
    {
        _producer.Take(new Pending(FlakyBroker.Message(0, false)));

        var e = await Assert.ThrowsAsync<SinkException>(
            () => _producer.DeliverAsync(TimeSpan.FromMilliseconds(20), CancellationToken.None).AsTask());

        Assert.Contains("1 messages are not delivered after 0.02 s", e.Message, StringComparison.Ordinal);
    }

    private static OrderedProducer<Pending> Make(FlakyBroker broker) =>
        new(new KafkaCluster(KafkaAccess.To("nowhere")), new OrderedProducerOptions("events", "events", 1000, 2), broker.Open);
}
