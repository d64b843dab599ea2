using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>What a commit that fails says.</summary>
public class KafkaLogTests
{
    private static readonly IConsumerGroupMetadata s_membership = Proxy<IConsumerGroupMetadata>.Make((_, _) => { });
    private static readonly Error s_denied = new(ErrorCode.TopicAuthorizationFailed, "Broker: denied");
    private static readonly Message<byte[], byte[]?> s_message = new() { Key = [1], Value = [2] };

    [Fact]
    public void Commit_MessageThatIsRefused_NamesItsTopicAndNotWhatWasPurgedWithIt()
    {
        var producer = Proxy<IProducer<byte[], byte[]?>>.Make((called, arguments) =>
        {
            if (called == "Produce")
            {
                var topic = ((TopicPartition)arguments[0]!).Topic;
                var error = topic == "events" ? s_denied : new Error(ErrorCode.Local_PurgeQueue);
                ((Action<DeliveryReport<byte[], byte[]?>>)arguments[2]!)(
                    new DeliveryReport<byte[], byte[]?> { Topic = topic, Error = error });
            }
            else if (called == "CommitTransaction")
            {
                throw new KafkaTxnRequiresAbortException(new Error(ErrorCode.Local_Fail, "2 message(s) failed delivery"));
            }
        });
        using var log = new KafkaLog(new KafkaCluster(KafkaAccess.To("nowhere")), "g", "id", false, _ => { }, _ => producer);

        var e = Assert.Throws<KafkaException>(() => log.Commit(
            [new Outgoing("other", null, s_message), new Outgoing("events", null, s_message)],
            [new TopicPartitionOffset("sound", 0, 1)],
            s_membership));

        Assert.Equal((ErrorCode.TopicAuthorizationFailed, "topic events: Broker: denied"), (e.Error.Code, e.Error.Reason));
    }

    [Fact]
    public void Commit_MessageThatIsRefusedAtOnce_NamesItsTopic()
    {
        var producer = Proxy<IProducer<byte[], byte[]?>>.Make((called, _) =>
        {
            if (called == "Produce")
                throw new ProduceException<byte[], byte[]?>(s_denied, new DeliveryResult<byte[], byte[]?>());
        });
        using var log = new KafkaLog(new KafkaCluster(KafkaAccess.To("nowhere")), "g", "id", false, _ => { }, _ => producer);

        var e = Assert.Throws<KafkaException>(
            () => log.Commit([new Outgoing("events", null, s_message)], [new TopicPartitionOffset("sound", 0, 1)], s_membership));

        Assert.Equal("topic events: Broker: denied", e.Error.Reason);
    }
}
