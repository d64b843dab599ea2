using System.Text;
using AstStream.Kafka.Transactions;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

public class PartitionLeaseTests
{
    private static readonly StreamSnapshot s_resting = new(
        "yard", "one", [], DateTimeOffset.UnixEpoch, 7, StreamRest.Idle, 8000, 8000, 16_000, 7, new Dictionary<string, byte[]>());

    [Fact]
    public void Forget_StreamThatRests_TakesItOutOfTheStateTopic()
    {
        var lease = Lease(s_resting);

        lease.Forget(lease.Find("yard")!);

        Assert.Null(lease.Find("yard"));
        var (messages, offsets) = (new List<Outgoing>(), new List<TopicPartitionOffset>());
        lease.Collect(messages, offsets);
        var message = Assert.Single(messages);
        Assert.Equal(
            ("state", 3, "g|sound|3|yard", (byte[]?)null),
            (message.Topic, message.Partition!.Value, Encoding.UTF8.GetString(message.Message.Key), message.Message.Value));
        Assert.Equal(7, Assert.Single(offsets).Offset.Value); // an offset goes with every message
        messages.Clear();
        lease.Collect(messages, offsets);
        Assert.Empty(messages);
    }

    [Fact]
    public void Forget_StreamWhoseSoundIsNotDecided_KeepsIt()
    {
        var lease = Lease(s_resting with { Rest = StreamRest.None, NeededOffset = 5 });

        lease.Forget(lease.Find("yard")!);

        Assert.NotNull(lease.Find("yard"));
    }

    /// <summary>Its state may come when it is somebody else's already.</summary>
    [Fact]
    public void Restore_LeaseThatHasEnded_StaysEndedAndPublishesNothing()
    {
        var lease = new PartitionLease(new TopicPartition("sound", 3), "state", "g");
        Assert.False(lease.IsReady);
        lease.End();

        lease.Restore(7, true, new Dictionary<string, byte[]> { ["g|sound|3|yard"] = s_resting.Write() });

        Assert.True(lease.IsEnded);
        Assert.False(lease.IsReady);
        lease.Reject(9, () => new Outgoing("letters", null, new Message<byte[], byte[]?>()));
        var (messages, offsets) = (new List<Outgoing>(), new List<TopicPartitionOffset>());
        lease.Collect(messages, offsets);
        Assert.Empty(messages);
        Assert.Empty(offsets);
    }

    private static PartitionLease Lease(StreamSnapshot stream)
    {
        var lease = new PartitionLease(new TopicPartition("sound", 3), "state", "g");
        var (_, problems) = lease.Restore(7, true, new Dictionary<string, byte[]> { ["g|sound|3|yard"] = stream.Write() });
        Assert.Empty(problems);
        return lease;
    }
}
