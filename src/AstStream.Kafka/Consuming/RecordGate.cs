using System.Threading.Channels;
using AstStream.Kafka.Transactions;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>
/// What lies between the polling thread and the pump: records, up to so many bytes of them, and which partitions are paused for want of
/// room. All but the pump's side is the polling thread's.
/// </summary>
internal sealed class RecordGate(long buffer) : IDisposable
{
    private const int MostWaiting = 4096; // records

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_shortWait = TimeSpan.FromSeconds(1); // for room, without a pause

    private readonly Channel<IngestRecord?> _records = Channel.CreateBounded<IngestRecord?>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
    private readonly AutoResetEvent _taken = new(false); // a record, while the polling thread waits for room
    private volatile bool _isWaiting;
    private long _waitingBytes;

    // The polling thread's.
    private readonly HashSet<TopicPartition> _paused = [];
    private IngestRecord? _blocked; // that finds no room
    private long _fullSince; // 0: it is not

    /// <summary>The pump's side; null is a call to look at what else there is to do.</summary>
    public ChannelReader<IngestRecord?> Reader => _records.Reader;

    /// <summary>Wakes the pump; false where records wait for it anyway.</summary>
    public bool TryWake() => _records.Writer.TryWrite(null);

    /// <summary>Adds a record. Only where there was room before is it sure to find some.</summary>
    public void Add(IngestRecord record)
    {
        Interlocked.Add(ref _waitingBytes, record.Size);
        if (!_records.Writer.TryWrite(record))
            _blocked = record;
    }

    /// <summary>The pump is done with a record.</summary>
    public void Taken(IngestRecord record)
    {
        Interlocked.Add(ref _waitingBytes, -record.Size);
        if (_isWaiting)
            _taken.Set();
    }

    /// <summary>
    /// Waits a little for room while too much waits. A pause costs what the consumer has fetched ahead: as long as records are taken at
    /// all, not polling in between is cheaper. True where the consumer is to be polled: there is room, or a pause is due.
    /// </summary>
    public bool HasRoom()
    {
        _isWaiting = true;
        if (_blocked is { } blocked && _records.Writer.TryWrite(blocked))
            _blocked = null;
        if (_blocked is null && Interlocked.Read(ref _waitingBytes) <= buffer)
        {
            _isWaiting = false;
            _fullSince = 0;
            return true;
        }

        if (_fullSince == 0)
            _fullSince = TimeProvider.System.GetTimestamp();
        if (TimeProvider.System.GetElapsedTime(_fullSince) > s_shortWait)
            return true;
        _taken.WaitOne(s_poll);
        return false;
    }

    /// <summary>
    /// Partitions whose state is not known, and all of them when there was no room for long, are paused; the consumer is polled all the
    /// same.
    /// </summary>
    public void PauseAndResume(IEnumerable<PartitionLease> leases, IConsumer<string?, BlockValue> consumer)
    {
        var isFull = _fullSince != 0;
        var hasRoom = !isFull && Interlocked.Read(ref _waitingBytes) <= buffer / 4;
        List<TopicPartition>? pause = null, resume = null;
        foreach (var lease in leases)
        {
            if (_paused.Contains(lease.Partition))
            {
                if (lease.IsReady && hasRoom)
                    (resume ??= []).Add(lease.Partition);
            }
            else if (isFull || !lease.IsReady)
            {
                (pause ??= []).Add(lease.Partition);
            }
        }

        if (pause is not null)
        {
            consumer.Pause(pause);
            _paused.UnionWith(pause);
        }

        if (resume is not null)
        {
            consumer.Resume(resume);
            _paused.ExceptWith(resume);
        }
    }

    /// <summary>Pauses a partition.</summary>
    public void Pause(TopicPartition partition, IConsumer<string?, BlockValue> consumer)
    {
        if (_paused.Contains(partition))
            return;
        consumer.Pause([partition]);
        _paused.Add(partition);
    }

    /// <summary>A partition is assigned again, or is gone: librdkafka has forgotten that it was paused.</summary>
    public void Forget(TopicPartition partition) => _paused.Remove(partition);

    /// <summary>Lets go of the records that nobody took.</summary>
    public void Dispose()
    {
        _taken.Dispose();
        _blocked?.Return();
        while (_records.Reader.TryRead(out var record))
            record?.Return();
    }
}
