using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>What a commit comes to.</summary>
internal enum Fate
{
    Done,

    /// <summary>It fails, and nothing is written.</summary>
    Refused,

    /// <summary>All is written, but nobody says so.</summary>
    ReplyLost,

    /// <summary>The worker is gone between the offsets and the end of the transaction, which is open still.</summary>
    DiesWithin,
}

/// <summary>
/// A worker with the product's own leases, streams, pump and committer, and a model that takes no time: a window of ten samples every five,
/// whose event is the sum of them.
/// </summary>
internal sealed class ToyWorker : IDisposable
{
    private const int Window = 10;
    private const int Hop = 5;

    private readonly MemoryCluster _cluster;
    private readonly KafkaSourceOptions _options = new()
    {
        Access = KafkaAccess.To("memory"),
        Topics = ["sound"],
        StateTopic = "state",
        IsExactlyOnce = true,
        Reorder = TimeSpan.FromSeconds(8.0 / 16_000),
        DeadLetterTopic = "dead",
    };

    private readonly RunReport _report = new();
    private readonly Edge<AudioBlock> _lane = new("lane", 100_000);
    private readonly ConcurrentDictionary<PartitionLease, bool> _ended = new();
    private readonly Dictionary<StreamInfo, Model> _models = [];
    private readonly SourceOutput _output;
    private readonly KafkaPump _pump;
    private readonly Committer _committer;
    private readonly Log _log;
    private readonly Dictionary<int, (PartitionLease Lease, long Next)> _leases = [];
    private readonly Queue<Action> _second = new(); // what a second sink has before it, and the checkpoints after that

    public ToyWorker(MemoryCluster cluster)
    {
        _cluster = cluster;
        _output = new SourceOutput("in", _ => new LaneInput(_lane, TimeProvider.System), isLive: false, 0, 1, TimeProvider.System, _report);
        _pump = new KafkaPump(_options, _output, _ended);
        _log = new Log(cluster);
        _committer = new Committer(_log);
    }

    /// <summary>What the next commit comes to.</summary>
    public Fate Fate
    {
        get => _log.Fate;
        set => _log.Fate = value;
    }

    public bool IsDead => _log.IsDead;

    public IEnumerable<int> Partitions => _leases.Keys;

    /// <summary>
    /// The group has another generation, in which these partitions are this worker's. It commits those that it loses, if it may.
    /// </summary>
    public async Task AssignAsync(IReadOnlyCollection<int> partitions, bool commits)
    {
        await RevokeAsync([.. _leases.Keys.Except(partitions)], commits);
        _committer.Join(new MemoryCluster.Membership(_cluster.Generation));
        foreach (var partition in partitions.Except(_leases.Keys).ToList())
            Begin(partition);
    }

    /// <summary>Gives partitions up.</summary>
    public async Task RevokeAsync(IReadOnlyCollection<int> partitions, bool commits)
    {
        var gone = partitions.Select(p => _leases[p].Lease).ToList();
        try
        {
            _committer.End(gone, commits);
        }
        catch (KafkaException)
        {
            // What could not be committed is not.
        }

        foreach (var lease in gone)
        {
            _leases.Remove(lease.Partition.Partition.Value);
            _ended[lease] = true;
        }

        await TakeOutAsync();
    }

    /// <summary>Takes the next record of a partition.</summary>
    public async Task PollAsync(int turn)
    {
        await ReloadAsync();
        if (_leases.Count == 0)
            return;
        var partition = _leases.Keys.Order().ElementAt(turn % _leases.Count);
        var (lease, next) = _leases[partition];
        if (!lease.IsReady)
        {
            Load(partition);
            return;
        }

        if (next >= _cluster.Sound[partition].Count)
            return;
        var (key, value, headers) = _cluster.Sound[partition][(int)next];
        _leases[partition] = (lease, next + 1);
        var decoded = new BlockDecoder(_options)
            .Deserialize(value, value is null, new SerializationContext(MessageComponentType.Value, "sound", headers));
        var record = new IngestRecord(lease, next, key, decoded, headers, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var taking = _pump.AcceptAsync(record, CancellationToken.None).AsTask();
        while (!taking.IsCompleted)
        {
            Score(); // it waits for what it has ended
            await Task.Yield();
        }

        await taking;
        record.Return();
    }

    /// <summary>Scores what came, and publishes what is decided.</summary>
    public void Score()
    {
        while (_lane.TryRead(out var block))
        {
            var stream = block.Stream;
            stream.Models = ["m"];
            if (!_models.TryGetValue(stream, out var model))
                model = _models[stream] = new Model(stream);
            if (!stream.IsAbandoned)
                model.Accept(block, Publish);
            if (block.Kind == MessageKind.End)
                _models.Remove(stream);
            block.Return();
        }

        // The second sink is slower than the first.
        for (var n = (_second.Count + 1) / 2; n > 0; n--)
            _second.Dequeue()();
    }

    public async Task CommitAsync()
    {
        try
        {
            _committer.Commit();
        }
        catch (KafkaException)
        {
            await ReloadAsync();
        }
    }

    public void Dispose()
    {
        _lane.Drain();
        _report.Dispose();
    }

    /// <summary>Whether all that there is was taken and committed.</summary>
    public bool IsDone() =>
        _leases.All(l => l.Value.Lease.IsReady && l.Value.Next >= _cluster.Sound[l.Key].Count
        && _cluster.Offset(l.Key) == _cluster.Sound[l.Key].Count);

    private void Publish(StreamRecord record)
    {
        var stream = (KafkaStream)IDelivery.Of(record)!;
        if (record is StreamCheckpoint checkpoint)
        {
            _second.Enqueue(() => stream.Complete(checkpoint));
        }
        else if (record is SoundEvent e)
        {
            Outgoing To(string topic) => new(
                topic, null,
                new Message<byte[], byte[]?>
                {
                    Key = Encoding.UTF8.GetBytes(stream.Id),
                    Value = Encoding.UTF8.GetBytes(
                $"{e.Id} from {e.Origin.First} to {e.Origin.Last}")
                });
            stream.Publish(record, To("events"));
            _second.Enqueue(() => stream.Publish(record, To("again")));
        }
    }

    private void Begin(int partition)
    {
        _leases[partition] = (
            new PartitionLease(new TopicPartition("sound", partition), "state", "g") { TransactionsAt = "memory" }, 0);
        Load(partition);
    }

    private void Load(int partition)
    {
        if (_cluster.Load(partition) is not { } state)
            return;
        var lease = _leases[partition].Lease;
        var (offset, problems) = lease.Restore(state.Offset, state.IsCommitted, state.States);
        Assert.Empty(problems);
        _leases[partition] = (lease, offset);
        _committer.Add(lease);
    }

    /// <summary>After a commit that failed, everything is taken up again.</summary>
    private async Task ReloadAsync()
    {
        foreach (var (partition, (lease, _)) in _leases.ToList())
        {
            if (!lease.IsEnded)
                continue;
            _ended[lease] = true;
            Begin(partition);
        }

        await TakeOutAsync();
    }

    private async Task TakeOutAsync()
    {
        await _pump.LeaveAsync(CancellationToken.None);
        Score();
    }

    /// <summary>The model's side of one stream.</summary>
    private sealed class Model
    {
        private readonly StreamInfo _stream;
        private readonly List<float> _samples = []; // from the next window on
        private long _next; // the next window's first sample
        private long _end;
        private long _checkpoint = 1;

        public Model(StreamInfo stream)
        {
            _stream = stream;
            _next = stream.States?.TryGetValue("m", out var state) == true ? BitConverter.ToInt64(state) : stream.FirstSample;
            _end = stream.FirstSample;
        }

        public void Accept(AudioBlock block, Action<StreamRecord> publish)
        {
            Assert.True(block.Kind == MessageKind.Discontinuity ? block.Start >= _end : block.Start == _end,
                $"a block at {block.Start} after {_end}");
            if (block.Kind != MessageKind.Data)
            {
                if (_samples.Count > 0)
                    Decide(_end, publish);
                _samples.Clear();
                if (block.Kind == MessageKind.Discontinuity)
                    Emit("gap", _end, block.Start, publish);
                _next = _end = block.Start;
                publish(Checkpoint(block.Kind == MessageKind.End));
                return;
            }

            for (var i = 0; i < block.Samples.Length; i++)
            {
                if (_end + i >= _next)
                    _samples.Add(block.Samples[i]);
            }

            _end += block.Samples.Length;
            for (var isNew = false; ; isNew = true)
            {
                if (_samples.Count < Window)
                {
                    if (isNew)
                        publish(Checkpoint(false));
                    return;
                }

                Decide(_next + Window, publish);
                _samples.RemoveRange(0, Hop);
                _next += Hop;
            }
        }

        private void Decide(long end, Action<StreamRecord> publish) =>
            Emit(string.Create(CultureInfo.InvariantCulture, $"sum {Math.Round(_samples.Take(Window).Sum() * 32768)}"), _next, end,
                publish);

        private void Emit(string what, long start, long end, Action<StreamRecord> publish) => publish(new SoundEvent(
            $"{_stream.StartTime:O} {what} {start}-{end}", EventState.Closed, _stream, "m", what, start, end, 1, 1)
        {
            Checkpoint = _checkpoint,
            Origin = what == "gap" ? default : _stream.Delivery!.Locate(start, end).Places,
        });

        private StreamCheckpoint Checkpoint(bool isEnd) =>
            new(_stream, "m", _checkpoint++, BitConverter.GetBytes(_next), _next, 16_000, isEnd);
    }

    private sealed class Log(MemoryCluster cluster) : IDeliveryLog
    {
        public Fate Fate { get; set; }

        public bool IsDead { get; private set; }

        public void Commit(IReadOnlyList<Outgoing> messages, IReadOnlyList<TopicPartitionOffset> offsets, IConsumerGroupMetadata membership)
        {
            var fate = Fate;
            Fate = Fate.Done;
            if (fate == Fate.Refused)
                throw new KafkaException(ErrorCode.RequestTimedOut);
            var transaction = cluster.Prepare(messages, offsets, membership);
            if (fate == Fate.DiesWithin)
            {
                IsDead = true;
                throw new KafkaException(ErrorCode.Local_Fatal);
            }

            cluster.End(transaction, commits: true);
            if (fate == Fate.ReplyLost)
                throw new KafkaException(ErrorCode.Local_TimedOut);
        }

        public void Dispose()
        {
        }
    }
}
