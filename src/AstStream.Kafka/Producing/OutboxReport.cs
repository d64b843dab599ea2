using System.Diagnostics;
using AstStream.Kafka.Cluster;

namespace AstStream.Kafka.Producing;

/// <summary>What an outbox says of itself: that sound waits, that some is lost, that its spool fails. Nothing is said more often than
/// it helps.</summary>
/// <param name="name">The topic and its cluster.</param>
/// <param name="topic">The topic.</param>
/// <param name="warn">Takes a line.</param>
internal sealed class OutboxReport(string name, string topic, Action<string> warn)
{
    private static readonly TimeSpan s_between = TimeSpan.FromMinutes(1); // lines of one kind

    private readonly Lock _lock = new();
    private long _dropped;
    private long _lastDrop;
    private long _lastFailure;
    private bool _isLate;

    /// <summary>Counts records that are lost.</summary>
    public void Drop(long records, string why)
    {
        if (records == 0)
            return;
        KafkaMetrics.Dropped(topic, records);
        lock (_lock)
        {
            _dropped += records;
            if (IsTime(ref _lastDrop))
                warn($"{name}: {_dropped} records of sound are dropped so far, {why}");
        }
    }

    /// <summary>The spool can't be used at the moment.</summary>
    public void SpoolFails(string why)
    {
        lock (_lock)
        {
            if (IsTime(ref _lastFailure))
                warn($"{why}; until that is repaired only memory keeps what brokers do not have");
        }
    }

    /// <summary>Says once when sound begins to wait, and once when it does not any more.</summary>
    public void IsLate(bool isLate, Func<string> where)
    {
        lock (_lock)
        {
            if (isLate == _isLate)
                return;
            _isLate = isLate;
            warn($"{name}: {(isLate ? $"sound is not delivered{where()}" : "all sound is delivered again")}");
        }
    }

    private static bool IsTime(ref long last)
    {
        if (last != 0 && Stopwatch.GetElapsedTime(last) < s_between)
            return false;
        last = Stopwatch.GetTimestamp();
        return true;
    }
}
