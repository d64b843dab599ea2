using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>
/// In which generation of its group a member commits. In the classic protocol it is the one in which it was given its partitions, taken
/// then and never later: a member that was thrown out would commit in none, which brokers accept. Where the brokers assign partitions it is
/// asked for before each commit: it grows whenever somebody joins, though a member's partitions stay, and nothing says so. That is safe
/// there: a member that was thrown out has its old generation, or 0, until it has been given its partitions' end.
/// </summary>
/// <param name="name">The consumer, for messages.</param>
/// <param name="ask">Asks the consumer.</param>
/// <param name="join">Hears of the generation.</param>
/// <param name="isAssignedByBrokers">Whether the brokers assign partitions.</param>
internal sealed class GroupMembership(
    string name, Func<IConsumerGroupMetadata> ask, Action<IConsumerGroupMetadata> join, bool isAssignedByBrokers)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new(); // an older answer never comes after a newer one
    private bool _isClosing; // the committer does not ask any more: the consumer may be gone

    /// <summary>Partitions are given or taken: by the thread that polls the consumer.</summary>
    public void Join()
    {
        lock (_lock)
            join(HangGuard.Run($"{name}: ConsumerGroupMetadata", s_patience, ask));
    }

    /// <summary>A commit is next: by the committer's thread.</summary>
    public void Refresh()
    {
        if (!isAssignedByBrokers)
            return;
        lock (_lock)
        {
            if (!_isClosing)
                Join();
        }
    }

    /// <summary>The consumer is about to be closed.</summary>
    public void Close()
    {
        lock (_lock)
            _isClosing = true;
    }
}
