using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;
using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// One stream of a partition: which session of it is heard, its blocks in order, and what was decided of it. The pump brings blocks; sinks
/// bring messages and checkpoints, under the lease's lock.
/// </summary>
internal sealed class KafkaStream : IDelivery
{
    private const int MostPast = 8; // sessions

    private readonly PartitionLease _lease;
    private readonly long _firstOffset; // records before it were used by another worker
    private readonly BlockOrder _order = new(); // the pump's alone
    private StreamSnapshot? _restored; // until it is opened; the pump's

    // Under the lease's lock.
    private readonly StreamProgress _progress = new();
    private readonly List<string> _past = []; // sessions
    private long _opened; // its first sample in the graph
    private int _openedRate;
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public KafkaStream(PartitionLease lease, string id, StreamSnapshot? state)
    {
        (_lease, Id) = (lease, id);
        if (state is null)
            return;
        _restored = state;
        _firstOffset = state.NeededOffset;
        EndOffset = state.Rest == StreamRest.Ended ? state.NeededOffset : null;
        (Session, StartTime, HasBegun) = (state.Session, state.StartTime, true);
        _past.AddRange(state.Past);
        _order.Restore(state.NeededStart, state.Position, state.SampleRate);
        _progress.Restore(state);
    }

    public string Id { get; }

    /// <summary>Where its records are.</summary>
    public TopicPartition Partition => _lease.Partition;

    /// <summary>Whether its messages can be committed with its offsets, at one cluster.</summary>
    public bool IsTransactional => _lease.TransactionsAt is not null;

    /// <summary>Whether its messages are committed with its offsets, at a cluster of that identity.</summary>
    public bool IsCommittedAt(string identity) => _lease.TransactionsAt == identity;

    public string Session { get; private set; } = "";

    public DateTimeOffset? StartTime { get; private set; }

    /// <summary>Whether a record of it was ever taken.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>What it is in the graph; null where it is not.</summary>
    public StreamInfo? Info { get; private set; }

    /// <summary>When its last record was taken, by the clock's timestamps.</summary>
    public long LastRecord { get; set; }

    /// <summary>When that was written, by its timestamp.</summary>
    public DateTime LastWritten { get; set; }

    /// <summary>Whether a worker before this one has left sound of it undecided, and no record of it has come yet.</summary>
    public bool IsWaiting => _restored is { Rest: StreamRest.None };

    /// <summary>Whether it was reported that its sample index runs backwards.</summary>
    public bool HasReportedBackwards { get; set; }

    /// <summary>The offset after the record that ended it; none where it goes on.</summary>
    public long? EndOffset { get; private set; }

    /// <summary>The first record that it needs; none where it needs none.</summary>
    public long? NeededOffset => _progress.NeededOffset;

    /// <summary>Whether there is something of it that is not committed.</summary>
    public bool HasNews => _progress.HasNews;

    /// <summary>The offset after the last record of it that was used.</summary>
    public long UsedTo => _progress.UsedTo;

    /// <summary>Whether the record that ended it was the last one, and all of it is decided.</summary>
    public bool IsOver => EndOffset is not null && Info is null;

    /// <summary>The order of its blocks; the pump's.</summary>
    public BlockOrder Order => _order;

    /// <summary>Whether a record was used by another worker.</summary>
    public bool IsDone(long offset) => offset < _firstOffset;

    public LocatedInput Locate(long start, long end) => _lease.Locked(() => _progress.Locate(start, end));

    public void Complete(StreamCheckpoint checkpoint) => _lease.Locked(() =>
    {
        if (_lease.IsEnded || checkpoint.Stream != Info || !_progress.Pass(checkpoint))
            return;
        Info = null;
        _ended.TrySetResult();
    });

    /// <summary>A record of a model that belongs before the checkpoint of its number.</summary>
    public void Publish(StreamRecord record, Outgoing message) => _lease.Locked(() =>
    {
        if (!_lease.IsEnded)
            _progress.Add(record.Model, record.Checkpoint, message);
    });

    /// <summary>Begins, or goes on where another worker left it.</summary>
    /// <param name="source">The source's name.</param>
    /// <param name="block">What the first record says.</param>
    /// <param name="first">The first sample of its block.</param>
    /// <param name="captured">When that was heard, if nothing better is known.</param>
    public StreamInfo Open(string source, BlockFormat block, long first, DateTimeOffset captured) =>
        Info ?? _lease.Locked(() => OpenLocked(source, block, first, captured));

    private StreamInfo OpenLocked(string source, BlockFormat block, long first, DateTimeOffset captured)
    {
        if (_lease.IsEnded)
            throw new OperationCanceledException("the partition is somebody else's");
        if (!HasBegun)
        {
            (Session, HasBegun) = (block.Session, true);
            _order.Begin(first, block.Format.SampleRate);
            StartTime = (block.CaptureTime ?? captured) - TimeSpan.FromSeconds((double)first / block.Format.SampleRate);
        }

        var states = _restored is { States.Count: > 0 } restored ? restored.States : null;
        _restored = null;
        if (states is null)
            _order.Change(block.Format.SampleRate);
        (_opened, _openedRate) = (_order.Position, _order.Rate);
        _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Info = new StreamInfo(Id, source, StartTime)
        {
            Delivery = this,
            FirstSample = _order.Position,
            States = states,
            Partition = new InputPartition(Partition.Topic, Partition.Partition.Value),
        };
    }

    /// <summary>Whether a session of it is over: a record of it has come again, or far too late.</summary>
    public bool IsPast(string session) => EndOffset is null && _past.Contains(session);

    /// <summary>Another session of the same device: it counts from its own start.</summary>
    public void BeginAnew() => _lease.Locked(() =>
    {
        // What has ended is forgotten at some time: it must make no difference when.
        if (EndOffset is not null)
            _past.Clear();
        else if (Session.Length > 0)
            _past.Add(Session);
        if (_past.Count > MostPast)
            _past.RemoveAt(0);
        HasBegun = false;
        HasReportedBackwards = false;
        EndOffset = null;
        _restored = null;
        _progress.Begin();
        _order.Clear();
    });

    /// <summary>A record's block is needed from here on.</summary>
    public void Hold(long offset, long start, int samples, int rate, IReadOnlyList<CarriedHeader> carried) =>
        _lease.Advance(offset, () => _progress.Hold(offset, start, start + samples, rate, carried));

    /// <summary>The record that ends the stream is needed until all of it is decided.</summary>
    public void HoldEnd(long offset) => _lease.Advance(offset, () =>
    {
        EndOffset = offset + 1;
        if (Info is not null)
            _progress.Hold(offset, long.MaxValue - 1, long.MaxValue, 1, []);
        else
            _progress.Use(offset);
    });

    /// <summary>Ends it in the graph and waits until all of it is decided and published.</summary>
    public async Task EndAsync(SourceOutput output, CancellationToken cancellation)
    {
        if (Info is not { } info)
            return;
        await _order.FlushAsync(info, output, cancellation).ConfigureAwait(false);
        var ended = _ended.Task;
        await output.EndAsync(info, _order.Rate, _order.Position, cancellation).ConfigureAwait(false);
        await ended.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Somebody else goes on with it. Under the lease's lock.</summary>
    public void Abandon()
    {
        Info?.Abandon();
        _ended.TrySetCanceled();
    }

    /// <summary>Takes it out of the graph.</summary>
    public async ValueTask LeaveAsync(SourceOutput output, CancellationToken cancellation)
    {
        _order.Return();
        if (Info is { } info)
            await output.AbandonAsync(info, cancellation).ConfigureAwait(false);
    }

    /// <summary>Takes the messages that can be committed; whether the state has changed with them. Under the lease's lock.</summary>
    public bool Collect(List<Outgoing> messages) => _progress.Collect(messages);

    /// <summary>Its state after the last checkpoints. Under the lease's lock.</summary>
    public StreamSnapshot Snapshot(long read)
    {
        var none = new Dictionary<string, byte[]>();
        var order = _order;
        if (Info is null)
            return new StreamSnapshot(
                Id, Session, [.. _past], StartTime, UsedTo, EndOffset is null ? StreamRest.Idle : StreamRest.Ended, order.Count,
                order.Position, order.Rate, read, none);
        var needed = NeededOffset ?? UsedTo;
        var first = _progress.FirstNeeded ?? order.Count;
        if (_progress.States is not { } states)
            return new StreamSnapshot(
                Id, Session, [.. _past], StartTime, needed, StreamRest.None, first, _opened, _openedRate, read, none);
        var (sample, rate) = _progress.Earliest;
        return new StreamSnapshot(Id, Session, [.. _past], StartTime, needed, StreamRest.None, first, sample, rate, read, states);
    }
}
