using System.Diagnostics;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// A partition from its assignment to its end here: which records its streams still need, and what was decided and is not committed.
/// Another assignment of the same partition is another lease. The pump adds records, sinks add messages and checkpoints, the committer
/// takes what belongs together; a lock keeps them apart.
/// </summary>
internal sealed class PartitionLease(TopicPartition partition, string stateTopic, string group)
{
    private readonly Lock _lock = new();
    private readonly string _stateKeys = StateKeys(group, partition);
    private readonly Dictionary<string, KafkaStream> _streams = new(StringComparer.Ordinal);
    private readonly List<Outgoing> _deadLetters = [];
    private readonly List<string> _forgotten = []; // streams
    private long _next = Offset.Unset; // after the last record that the pump has taken
    private long _read = Offset.Unset; // after the last one that was ever taken, by whomever, and committed
    private long _committed = Offset.Unset;
    private bool _isMarked; // its owner's name is in the state topic, or is with the next commit
    private volatile LeaseState _state;

    /// <summary>The partition.</summary>
    public TopicPartition Partition => partition;

    /// <summary>
    /// The identity of the cluster at which messages are committed with its offsets; none where offsets are committed when messages are
    /// delivered.
    /// </summary>
    public string? TransactionsAt { get; init; }

    /// <summary>By what name its owner's transactions are known; null where there are none.</summary>
    public string? Owner { get; init; }

    /// <summary>The latest timestamp of its records; the pump's, which others only look at.</summary>
    public DateTime LastWritten { get; set; }

    /// <summary>Whether records of it are taken: its state is known.</summary>
    public bool IsReady => _state == LeaseState.Ready;

    /// <summary>Whether it is somebody else's, or taken up again: nothing more of it is published here.</summary>
    public bool IsEnded => _state == LeaseState.Ended;

    /// <summary>The offset after the last record that was taken.</summary>
    public long Next
    {
        get
        {
            lock (_lock)
                return _next;
        }
    }

    /// <summary>The streams that are known.</summary>
    public IReadOnlyList<KafkaStream> Streams
    {
        get
        {
            lock (_lock)
                return [.. _streams.Values];
        }
    }

    /// <summary>What the keys of a group's states of a partition begin with; the stream follows.</summary>
    public static string StateKeys(string group, TopicPartition partition) => $"{group}|{partition.Topic}|{partition.Partition.Value}|";

    /// <summary>Takes up what the last owner left.</summary>
    /// <param name="start">The committed offset, or where to begin where there is none.</param>
    /// <param name="isCommitted">Whether it was committed.</param>
    /// <param name="states">What the state topic holds for the partition: keys and values.</param>
    /// <returns>Where to read from, and what could not be read.</returns>
    public (long Offset, IReadOnlyList<string> Problems) Restore(long start, bool isCommitted, IReadOnlyDictionary<string, byte[]> states)
    {
        var problems = new List<string>();
        lock (_lock)
        {
            _next = _read = start;
            _committed = isCommitted ? start : Offset.Unset;
            foreach (var (key, value) in states)
            {
                if (!key.StartsWith(_stateKeys, StringComparison.Ordinal))
                    continue;
                try
                {
                    var state = StreamSnapshot.Read(value);
                    _read = Math.Max(_read, state.ReadTo);
                    if (state.Id.Length == 0)
                        continue;
                    var stream = new KafkaStream(this, state.Id, state);
                    _streams[state.Id] = stream;
                    if (stream.NeededOffset is { } needed)
                        _next = Math.Min(_next, needed);
                }
                catch (InvalidDataException e)
                {
                    problems.Add(
                        $"{partition}: the state '{Printable.Text(key)}' can't be read ({e.Message}); the stream starts over with the "
                            + $"sound that was not committed, and events of it may come again, with the same ids");
                }
            }

            // Offsets expire sooner than states: it goes on where these say.
            if (!isCommitted && _read > start)
                _next = _streams.Values.Min(s => s.NeededOffset) ?? _read;
            Become(LeaseState.Ready);
            return (_next, problems);
        }
    }

    /// <summary>The stream of a key; null where none is known.</summary>
    public KafkaStream? Find(string key)
    {
        lock (_lock)
            return _streams.GetValueOrDefault(key);
    }

    /// <summary>The stream of a key; one that is new begins with this record.</summary>
    public KafkaStream StreamOf(string key)
    {
        lock (_lock)
            return _streams.TryGetValue(key, out var stream) ? stream : _streams[key] = new KafkaStream(this, key, null);
    }

    /// <summary>Forgets a stream that rests: should it go on after all, it is a new one that begins there.</summary>
    public void Forget(KafkaStream stream)
    {
        lock (_lock)
        {
            if (stream is { NeededOffset: null, HasNews: false } && _committed >= stream.UsedTo && _streams.Remove(stream.Id))
                _forgotten.Add(stream.Id);
        }
    }

    /// <summary>A record was taken, and nothing of it is needed any more.</summary>
    public void Advance(long offset)
    {
        lock (_lock)
            _next = Math.Max(_next, offset + 1);
    }

    /// <summary>A record was taken, and is needed until its stream says otherwise.</summary>
    public void Advance(long offset, Action keep)
    {
        lock (_lock)
        {
            keep();
            _next = Math.Max(_next, offset + 1);
        }
    }

    /// <summary>A record can't be used; unless it was told before, it goes to those that can't.</summary>
    public void Reject(long offset, Func<Outgoing> letter)
    {
        lock (_lock)
        {
            if (offset >= _read)
                _deadLetters.Add(letter());
            _next = Math.Max(_next, offset + 1);
        }
    }

    /// <summary>Runs something of a stream's under the lease's lock.</summary>
    public void Locked(Action action)
    {
        lock (_lock)
            action();
    }

    /// <summary>The same, for a result.</summary>
    public T Locked<T>(Func<T> action)
    {
        lock (_lock)
            return action();
    }

    /// <summary>Ends it: nothing more of it is committed here.</summary>
    public void End()
    {
        lock (_lock)
        {
            Become(LeaseState.Ended);
            foreach (var stream in _streams.Values)
                stream.Abandon();
        }
    }

    /// <summary>
    /// Takes all that can be committed as one: the messages before each stream's last checkpoint, the streams' states after these, and the
    /// offset from which on records are still needed. Whoever takes it commits it, or ends the lease.
    /// </summary>
    public void Collect(List<Outgoing> messages, List<TopicPartitionOffset> offsets)
    {
        lock (_lock)
        {
            if (!IsReady)
                return;
            var before = messages.Count;
            var offset = _next;
            foreach (var stream in _streams.Values)
                offset = Math.Min(offset, stream.NeededOffset ?? long.MaxValue);
            _read = Math.Max(_read, _next);
            messages.AddRange(_forgotten.Select(id => StateMessage(id, null)));
            _forgotten.Clear();
            foreach (var stream in _streams.Values.ToList())
            {
                // Nothing will come again of one that is over: it can be forgotten. Not before that is committed: without transactions the
                // offset is committed last, and may not be.
                var hasChanged = stream.Collect(messages);
                if (stream.IsOver && _committed >= stream.EndOffset)
                {
                    _streams.Remove(stream.Id);
                    messages.Add(StateMessage(stream.Id, null));
                }
                else if (hasChanged)
                {
                    messages.Add(StateMessage(stream.Id, stream.Snapshot(_read)));
                }
            }

            if (_deadLetters.Count > 0 || (Owner is not null && !_isMarked))
            {
                messages.AddRange(_deadLetters);
                messages.Add(
                    StateMessage(
                    "", new StreamSnapshot("", "", [], null, 0, StreamRest.Ended, 0, 0, 0, _read, new Dictionary<string, byte[]>())));
                _deadLetters.Clear();
                _isMarked = true;
            }

            // An offset goes with every message: it is what a former owner is kept out by.
            if (offset == _committed && messages.Count == before)
                return;
            _committed = offset;
            offsets.Add(new TopicPartitionOffset(partition, offset));
        }
    }

    /// <summary>The one way from state to state: what has ended stays so. Under the lock.</summary>
    private void Become(LeaseState state)
    {
        Debug.Assert(state != LeaseState.Ready || _state != LeaseState.Ready, "a lease is taken up once");
        Debug.Assert(_next == Offset.Unset || _read != Offset.Unset, "where it goes on is known as a whole");
        if (_state < state)
            _state = state;
    }

    private Outgoing StateMessage(string id, StreamSnapshot? state) =>
        StateMessage(stateTopic, partition.Partition.Value, _stateKeys + id, state?.Write(), Owner);

    /// <summary>A state as the state topic has it.</summary>
    /// <param name="topic">The state topic.</param>
    /// <param name="number">The partition.</param>
    /// <param name="key">Whose state it is.</param>
    /// <param name="state">The state; null takes it out.</param>
    /// <param name="owner">By what name its writer's transactions are known, so that others can end one that it has left open.</param>
    public static Outgoing StateMessage(string topic, int number, string key, byte[]? state, string? owner) =>
        new(topic, number, new Message<byte[], byte[]?>
        {
            Key = System.Text.Encoding.UTF8.GetBytes(key),
            Value = state,
            Headers = owner is null ? null : new Headers { { KafkaLog.OwnerHeader, System.Text.Encoding.UTF8.GetBytes(owner) } },
        });
}
