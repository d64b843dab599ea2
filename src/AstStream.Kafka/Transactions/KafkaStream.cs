using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;
using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// One stream of a partition: its blocks put in order by their sample index, the records that it still needs, and what was decided of it
/// and waits to be committed. The pump brings blocks; sinks bring messages and checkpoints, under the lease's lock.
/// </summary>
internal sealed class KafkaStream : IDelivery
{
    private const int MostHeld = 256; // blocks
    private const int MostPast = 8; // sessions

    private static readonly TimeSpan s_farthest = TimeSpan.FromDays(7); // that a sample index may jump

    private readonly PartitionLease _lease;
    private readonly long _firstOffset; // records before it were used by another worker

    // The pump's alone.
    private readonly List<AudioBlock> _held = []; // by their starts; time is missing before the first one
    private StreamSnapshot? _restored; // until it is opened
    private long _count; // the sample that follows the last block that came
    private int _countRate;
    private long _position; // the sample that comes next
    private int _rate;
    private StreamInfo? _live; // what it was opened as last

    // Under the lease's lock.
    private readonly List<Entry> _entries = []; // records that are needed, by their offsets
    private readonly Dictionary<string, ModelPart> _models = new(StringComparer.Ordinal);
    private readonly List<Outgoing> _ready = []; // messages that can be committed
    private long? _restoredOffset;
    private long _usedTo; // the offset after the last record that was used
    private bool _hasChanged;
    private long _opened; // its first sample in the graph
    private int _openedRate;
    private readonly List<string> _past = []; // sessions
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public KafkaStream(PartitionLease lease, string id, StreamSnapshot? state)
    {
        (_lease, Id) = (lease, id);
        if (state is null)
            return;
        _restored = state;
        _restoredOffset = state.Rest == StreamRest.None ? state.NeededOffset : null;
        EndOffset = state.Rest == StreamRest.Ended ? state.NeededOffset : null;
        _firstOffset = _usedTo = state.NeededOffset;
        (Session, StartTime, _count, _position, _rate) = (
            state.Session, state.StartTime, state.NeededStart, state.Position, state.SampleRate);
        _countRate = _rate;
        _past.AddRange(state.Past);
        foreach (var (model, bytes) in state.States)
            _models[model] = new ModelPart { State = bytes, Needed = state.Position, Rate = state.SampleRate };
        HasBegun = true;
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

    /// <summary>Whether it was told that its sample index runs backwards.</summary>
    public bool HasReportedBackwards { get; set; }

    /// <summary>The offset after the record that ended it; none where it goes on.</summary>
    public long? EndOffset { get; set; }

    /// <summary>The first record that it needs; none where it needs none.</summary>
    public long? NeededOffset => _entries.Count > 0 ? Math.Min(_restoredOffset ?? long.MaxValue, _entries[0].Offset) : _restoredOffset;

    /// <summary>Whether there is something of it that is not committed.</summary>
    public bool HasNews => _hasChanged || _ready.Count > 0;

    /// <summary>The offset after the last record of it that was used.</summary>
    public long UsedTo => _usedTo;

    /// <summary>Whether the record that ended it was the last one, and all of it is decided.</summary>
    public bool IsOver => EndOffset is not null && Info is null;

    /// <summary>Whether a record was used by another worker.</summary>
    public bool IsDone(long offset) => offset < _firstOffset;

    /// <summary>Where the next block begins that does not say it.</summary>
    public long NextSample(int rate) => AtRate(_count, _countRate, rate);

    /// <summary>A block came, needed or not.</summary>
    public void Received(long start, int samples, int rate) => (_count, _countRate) = (start + samples, rate);

    public InputRange Locate(long start, long end)
    {
        var range = new InputRange(long.MaxValue, 0);
        return _lease.Locked(() =>
        {
            foreach (var entry in _entries)
            {
                if (entry.Start < end && entry.End > start)
                    range = new InputRange(Math.Min(range.First, entry.Offset), Math.Max(range.Last, entry.Offset));
            }

            return range.First == long.MaxValue ? default : range;
        });
    }

    public void Complete(StreamCheckpoint checkpoint) => _lease.Locked(() =>
    {
        if (_lease.IsEnded || checkpoint.Stream != Info)
            return;
        var part = PartOf(checkpoint.Model);
        (part.State, part.Needed, part.Rate, part.Number, part.IsEnd) = (
            checkpoint.State, checkpoint.Needed, checkpoint.SampleRate, checkpoint.Number, checkpoint.IsEnd);

        foreach (var gone in _models.Keys.Except(checkpoint.Stream.Models).ToList())
            _models.Remove(gone);

        // The models' messages and states are committed together, from when every one of them knows the stream.
        var models = checkpoint.Stream.Models;
        if (models.Any(m => !_models.TryGetValue(m, out var known) || known.State is null))
            return;
        _hasChanged = true;
        foreach (var known in _models.Values)
        {
            // Not only from the front: sinks run ahead of each other.
            _ready.AddRange(known.Pending.Where(p => p.Number <= known.Number).Select(p => p.Message));
            known.Pending.RemoveAll(p => p.Number <= known.Number);
        }

        if (models.All(m => _models[m].IsEnd))
        {
            _entries.Clear();
            _models.Clear();
            _restoredOffset = null;
            Info = null;
            _ended.TrySetResult();
            return;
        }

        var needed = models.Select(m => _models[m]).Min(p => (double)p.Needed / p.Rate);
        _entries.RemoveAll(e => (double)e.End / e.Rate <= needed);
    });

    /// <summary>A record of a model that belongs before the checkpoint of its number.</summary>
    public void Publish(StreamRecord record, Outgoing message) => _lease.Locked(() =>
    {
        if (!_lease.IsEnded)
            PartOf(record.Model).Pending.Add((record.Checkpoint, message));
    });

    /// <summary>Begins, or goes on where another worker left it.</summary>
    /// <param name="source">The source's name.</param>
    /// <param name="block">What the first record says.</param>
    /// <param name="first">The first sample of its block.</param>
    /// <param name="captured">When that was heard, if nothing better is known.</param>
    public StreamInfo Open(string source, BlockFormat block, long first, DateTimeOffset captured)
    {
        if (Info is not null)
            return Info;
        return _lease.Locked(() => OpenLocked(source, block, first, captured));
    }

    private StreamInfo OpenLocked(string source, BlockFormat block, long first, DateTimeOffset captured)
    {
        if (_lease.IsEnded)
            throw new OperationCanceledException("the partition is somebody else's");
        if (!HasBegun)
        {
            (Session, _position, _rate, HasBegun) = (block.Session, first, block.Format.SampleRate, true);
            StartTime = (block.CaptureTime ?? captured) - TimeSpan.FromSeconds((double)first / _rate);
        }

        var states = _restored is { States.Count: > 0 } restored ? restored.States : null;
        _restored = null;
        if (states is null)
            (_position, _rate) = (AtRate(_position, _rate, block.Format.SampleRate), block.Format.SampleRate);
        (_opened, _openedRate) = (_position, _rate);
        _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Info = _live = new StreamInfo(Id, source, StartTime)
        {
            Delivery = this,
            FirstSample = _position,
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
        _restoredOffset = null;
        _models.Clear();
        (_count, _position) = (0, 0);
    });

    /// <summary>
    /// Whether all of a block of so many samples from a sample on is known already. A stream that is new may begin anywhere: it may have
    /// rested for long.
    /// </summary>
    /// <exception cref="InvalidBlockException">The block can't belong there.</exception>
    public bool Knows(long start, int samples, int rate, bool isNew)
    {
        var expected = AtRate(_position, _rate, rate);
        if (!isNew && start - expected > s_farthest.TotalSeconds * rate)
            throw new InvalidBlockException(
                $"header {BlockFormat.FirstSampleHeader} jumps from {expected} to {start}, by {(start - expected) / rate / 86400} days; "
                    + $"expected at most {s_farthest.Days}; a device that begins anew sends another {BlockFormat.SessionHeader}");
        return start + samples <= expected
            || _held.Any(h => h.SampleRate == rate && h.Start <= start && h.Start + h.Samples.Length >= start + samples);
    }

    /// <summary>How many seconds a block lies before the sample that is expected.</summary>
    public double Behind(long start, int rate) => (double)(AtRate(_position, _rate, rate) - start) / rate;

    /// <summary>A record's block is needed from here on.</summary>
    public void Hold(long offset, long start, int samples, int rate) => _lease.Advance(offset, () =>
    {
        _restoredOffset = null;
        _usedTo = offset + 1;
        _entries.Add(new Entry(offset, start, start + samples, rate));
    });

    /// <summary>The record that ends the stream is needed until all of it is decided.</summary>
    public void HoldEnd(long offset) => _lease.Advance(offset, () =>
    {
        _restoredOffset = null;
        EndOffset = _usedTo = offset + 1;
        if (Info is not null)
            _entries.Add(new Entry(offset, long.MaxValue - 1, long.MaxValue, 1));
    });

    /// <summary>Passes a block on, and those that were held for it; or holds it.</summary>
    public async ValueTask WriteAsync(AudioBlock block, TimeSpan reorder, SourceOutput output, CancellationToken cancellation)
    {
        if (block.SampleRate != _rate)
        {
            await FlushAsync(output, cancellation).ConfigureAwait(false);
            (_position, _rate) = (AtRate(_position, _rate, block.SampleRate), block.SampleRate);
            var next = Math.Max(_position, block.Start);
            await output.SkipAsync(_live!, _rate, next, LossReason.Gap, cancellation).ConfigureAwait(false);
            _position = next;
        }

        _held.Insert(_held.TakeWhile(h => h.Start <= block.Start).Count(), block);
        await DrainAsync(output, cancellation).ConfigureAwait(false);
        while (_held.Count > 0
            && (_held.Count > MostHeld || _held[^1].Start + _held[^1].Samples.Length - _position > reorder.TotalSeconds * _rate))
            await MissAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>What is held is passed on: what is missing before it will not come.</summary>
    public async ValueTask FlushAsync(SourceOutput output, CancellationToken cancellation)
    {
        while (_held.Count > 0)
            await MissAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends it in the graph and waits until all of it is decided and published.</summary>
    public async Task EndAsync(SourceOutput output, CancellationToken cancellation)
    {
        if (Info is not { } info)
            return;
        await FlushAsync(output, cancellation).ConfigureAwait(false);
        var ended = _ended.Task;
        await output.EndAsync(info, _rate, _position, cancellation).ConfigureAwait(false);
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
        foreach (var block in _held)
            block.Return();
        _held.Clear();
        if (Info is { } info)
            await output.AbandonAsync(info, cancellation).ConfigureAwait(false);
    }

    /// <summary>Takes the messages that can be committed; whether the state has changed with them. Under the lease's lock.</summary>
    public bool Collect(List<Outgoing> messages)
    {
        messages.AddRange(_ready);
        _ready.Clear();
        var hasChanged = _hasChanged;
        _hasChanged = false;
        return hasChanged;
    }

    /// <summary>Its state after the last checkpoints. Under the lease's lock.</summary>
    public StreamSnapshot Snapshot(long read)
    {
        if (Info is null)
            return new StreamSnapshot(
                Id, Session, [.. _past], StartTime, _usedTo, EndOffset is null ? StreamRest.Idle : StreamRest.Ended, _count, _position,
                _rate, read, new Dictionary<string, byte[]>());
        var first = _entries.Count > 0 ? _entries[0] : new Entry(0, _count, _count, _rate);
        if (_models.Count == 0 || _models.Values.Any(m => m.State is null))
            return new StreamSnapshot(
                Id, Session, [.. _past], StartTime, NeededOffset ?? _usedTo, StreamRest.None, first.Start, _opened, _openedRate, read,
                new Dictionary<string, byte[]>());
        var earliest = _models.Values.MinBy(p => (double)p.Needed / p.Rate)!;
        return new StreamSnapshot(
            Id, Session, [.. _past], StartTime, NeededOffset ?? _usedTo, StreamRest.None, first.Start, earliest.Needed, earliest.Rate, read,
            _models.ToDictionary(m => m.Key, m => m.Value.State!));
    }

    private static long AtRate(long sample, int from, int to) =>
        from == to || from == 0 ? sample : (long)((((Int128)sample * to) + from - 1) / from);

    private ModelPart PartOf(string model) => _models.TryGetValue(model, out var part) ? part : _models[model] = new ModelPart();

    /// <summary>The samples before the first block that is held will not come.</summary>
    private async ValueTask MissAsync(SourceOutput output, CancellationToken cancellation)
    {
        if (_held[0].Start > _position)
        {
            _position = _held[0].Start;
            await output.SkipAsync(_live!, _rate, _position, LossReason.Gap, cancellation).ConfigureAwait(false);
        }

        await DrainAsync(output, cancellation).ConfigureAwait(false);
    }

    /// <summary>Passes on the blocks that join.</summary>
    private async ValueTask DrainAsync(SourceOutput output, CancellationToken cancellation)
    {
        while (_held.Count > 0 && _held[0].Start <= _position)
        {
            var block = _held[0];
            _held.RemoveAt(0);
            var known = (int)Math.Min(_position - block.Start, block.Samples.Length);
            var rest = block.Samples.Length - known;
            if (known > 0 && rest > 0)
            {
                var part = AudioBlock.Rent(block.Stream, _position, _rate, rest);
                block.Samples[known..].CopyTo(part.Samples);
                block.Return();
                block = part;
            }

            if (rest == 0)
            {
                block.Return();
                continue;
            }

            _position += rest;
            await output.WriteAsync(block, cancellation).ConfigureAwait(false);
        }
    }

    private readonly record struct Entry(long Offset, long Start, long End, int Rate);

    private sealed class ModelPart
    {
        public List<(long Number, Outgoing Message)> Pending { get; } = [];

        public byte[]? State { get; set; }

        public long Needed { get; set; }

        public int Rate { get; set; }

        public long Number { get; set; }

        public bool IsEnd { get; set; }
    }
}
