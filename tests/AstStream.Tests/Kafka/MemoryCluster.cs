using System.Globalization;
using System.Text;
using AstStream.Kafka.Transactions;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>
/// A log as a transactional cluster keeps it, in memory: what is committed is seen, by all, as one; a transaction that is under way is not,
/// and holds up who wants to know where its partitions stand; offsets of another generation than the group's are refused.
/// </summary>
internal sealed class MemoryCluster(int partitions)
{
    private readonly Dictionary<string, byte[]>[] _states = [.. Enumerable.Range(0, partitions).Select(_ => new Dictionary<string, byte[]>(
        StringComparer.Ordinal))];
    private readonly long?[] _offsets = new long?[partitions];
    private readonly List<Transaction> _pending = [];

    /// <summary>The records of sound, by partition.</summary>
    public List<(
        string Key, byte[]? Value,
        Headers Headers)>[] Sound
    { get; } = [.. Enumerable.Range(0, partitions).Select(_ => new List<(string, byte[]?, Headers)>())];

    /// <summary>What a reader of committed records sees: topic, key and value, in their order.</summary>
    public List<string> Committed { get; } = [];

    /// <summary>The group's generation now.</summary>
    public int Generation { get; set; }

    /// <summary>Whether a transaction is under way whose owner may be dead.</summary>
    public bool HasPending => _pending.Count > 0;

    public long? Offset(int partition) => _offsets[partition];

    /// <summary>Takes a transaction up to where its offsets are accepted.</summary>
    public Transaction Prepare(
        IReadOnlyList<Outgoing> messages, IReadOnlyList<TopicPartitionOffset> offsets, IConsumerGroupMetadata membership)
    {
        if (((Membership)membership).Generation != Generation)
            throw new KafkaException(ErrorCode.IllegalGeneration);
        var transaction = new Transaction([.. messages], [.. offsets]);
        _pending.Add(transaction);
        return transaction;
    }

    /// <summary>Ends a transaction, once.</summary>
    public void End(Transaction transaction, bool commits)
    {
        if (!_pending.Remove(transaction) || !commits)
            return;
        foreach (var offset in transaction.Offsets)
            _offsets[offset.Partition.Value] = offset.Offset.Value;
        foreach (var message in transaction.Messages)
        {
            var key = Encoding.UTF8.GetString(message.Message.Key);
            if (message.Topic != "state")
                Committed.Add(
                    string.Create(
                    CultureInfo.InvariantCulture, $"{message.Topic} {key}: {Encoding.UTF8.GetString(message.Message.Value!)}"));
            else if (message.Message.Value is { } state)
                _states[message.Partition!.Value][key] = state;
            else
                _states[message.Partition!.Value].Remove(key);
        }
    }

    /// <summary>Ends all transactions whose owners may be dead: the coordinator's time-out, or the owner's last breath.</summary>
    public void EndPending(bool commits)
    {
        foreach (var transaction in _pending.ToList())
            End(transaction, commits);
    }

    /// <summary>Where a partition stands; null while a transaction that concerns it is under way.</summary>
    public PartitionState? Load(int partition) => _pending.Any(t => t.Offsets.Any(o => o.Partition.Value == partition))
        ? null
        : new PartitionState(
            _offsets[partition] ?? 0, _offsets[partition] is not null,
            new Dictionary<string, byte[]>(_states[partition], StringComparer.Ordinal));

    internal sealed record Transaction(IReadOnlyList<Outgoing> Messages, IReadOnlyList<TopicPartitionOffset> Offsets);

    /// <summary>A member's place in a generation of the group.</summary>
    internal sealed record Membership(int Generation) : IConsumerGroupMetadata;
}
