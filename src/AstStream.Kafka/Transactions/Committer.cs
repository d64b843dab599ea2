using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// Commits what the leases have: each commit takes from each lease the messages before its streams' last checkpoints, their states after
/// these and the offset that goes with them. What can't be committed is not tried again: its leases end, and whoever owns the partitions
/// goes on from what was committed last.
/// </summary>
internal sealed class Committer(IDeliveryLog log)
{
    private readonly Lock _lock = new(); // one commit at a time
    private readonly Dictionary<TopicPartition, PartitionLease> _leases = [];
    private IConsumerGroupMetadata? _membership;

    /// <summary>Takes a lease in; what was committed under another membership is not.</summary>
    public void Add(PartitionLease lease)
    {
        lock (_lock)
            _leases[lease.Partition] = lease;
    }

    /// <summary>The group has another generation.</summary>
    public void Join(IConsumerGroupMetadata membership)
    {
        lock (_lock)
            _membership = membership;
    }

    /// <summary>
    /// Ends leases; what they have decided is committed before, where <paramref name="commits"/> says so and it goes well.
    /// </summary>
    /// <exception cref="KafkaException">The commit failed. The leases have ended all the same.</exception>
    public void End(IEnumerable<PartitionLease> leases, bool commits)
    {
        lock (_lock)
        {
            try
            {
                if (commits)
                    Commit();
            }
            finally
            {
                foreach (var lease in leases)
                {
                    lease.End();
                    if (_leases.TryGetValue(lease.Partition, out var known) && known == lease)
                        _leases.Remove(lease.Partition);
                }
            }
        }
    }

    /// <summary>Commits what there is; false where there is nothing. After an exception all leases have ended.</summary>
    /// <exception cref="KafkaException">It failed.</exception>
    public bool Commit()
    {
        lock (_lock)
        {
            if (_membership is null)
                return false;
            var messages = new List<Outgoing>();
            var offsets = new List<TopicPartitionOffset>();
            foreach (var lease in _leases.Values)
                lease.Collect(messages, offsets);
            if (messages.Count == 0 && offsets.Count == 0)
                return false;
            try
            {
                log.Commit(messages, offsets, _membership);
                return true;
            }
            catch
            {
                foreach (var lease in _leases.Values)
                    lease.End();
                _leases.Clear();
                throw;
            }
        }
    }
}
