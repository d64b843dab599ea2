using System.Collections.Concurrent;
using System.Threading.Channels;
using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>
/// One run of a Kafka source. A thread of its own polls the consumer, always, so that the group never takes it for dead: it hands records
/// to the pump, pauses partitions while that is busy, and takes partitions in and gives them back. The pump passes sound to the graph; the
/// committer's loop commits.
/// </summary>
internal sealed class KafkaIngest : IAsyncDisposable
{
    private const int MostNudges = 32; // partitions; enough to reach every broker of a usual cluster
    private const int MostWaiting = 4096; // records
    private const long LatestTimestamp = 7_258_118_400_000; // the year 2200

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_wake = TimeSpan.FromSeconds(0.25); // the pump, so that it sees what else there is to do
    private static readonly TimeSpan s_shortWait = TimeSpan.FromSeconds(1); // for room, without a pause
    private static readonly TimeSpan s_leave = TimeSpan.FromSeconds(30); // the group
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(30); // of what partitions there are
    // Of a worker without a name of its own, after which others go on.
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(30);

    private readonly KafkaSourceOptions _options;
    private readonly KafkaCluster _cluster;
    private readonly SourceOutput _output;
    private readonly SourceHealth _health;
    private readonly KafkaLog _log;
    private readonly Committer _committer;
    private readonly Channel<IngestRecord?> _records = Channel.CreateBounded<IngestRecord?>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, SingleWriter = true });
    private readonly ConcurrentQueue<Action> _commands = new(); // for the polling thread
    private readonly ConcurrentDictionary<PartitionLease, bool> _ended = new(); // that the pump takes out of the graph
    private readonly CancellationTokenSource _over = new();
    private readonly AutoResetEvent _taken = new(false); // a record, while the polling thread waits for room
    private volatile bool _isWaiting;
    private long _waitingBytes;
    private int _failures; // in a row

    // The polling thread's.
    private readonly Dictionary<TopicPartition, PartitionLease> _leases = [];
    private readonly HashSet<TopicPartition> _paused = [];
    private IConsumer<string?, BlockValue> _consumer = null!;
    private IngestRecord? _blocked; // that finds no room
    private long _fullSince; // 0: it is not
    private long _lastWake;
    private bool _isStateTopicThere;

    /// <summary>Makes it.</summary>
    /// <param name="options">How it reads.</param>
    /// <param name="cluster">The cluster; with exactly-once delivery it is identified.</param>
    /// <param name="output">Where sound goes.</param>
    /// <param name="health">How the source does.</param>
    public KafkaIngest(KafkaSourceOptions options, KafkaCluster cluster, SourceOutput output, SourceHealth health)
    {
        (_options, _cluster, _output, _health) = (options, cluster, output, health);
        var name = options.Instance ?? $"{Environment.MachineName}-{Guid.NewGuid():N}";
        _log = new KafkaLog(
            cluster, options.Group, options.IsExactlyOnce ? $"{options.Group}-{name}" : null, options.StartsAtEnd,
            offsets => _consumer.Commit(offsets));
        _committer = new Committer(_log);
    }

    public async Task RunAsync(CancellationToken stop, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation, _over.Token);
        _consumer = Build();
        _consumer.Subscribe(_options.Topics);
        _ = Task.Factory.StartNew(Prepare, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var polling = Task.Factory.StartNew(
            () => Poll(either.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var committing = Task.Factory.StartNew(
            () => Commit(either.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var pump = new KafkaPump(_options, _output, _ended);
        try
        {
            await pump.RunAsync(_records.Reader, OnTaken, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // Asked to drain, or to stop.
        }
        finally
        {
            await _over.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(committing, polling).ConfigureAwait(false);
            await pump.LeaveAsync(cancellation).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync()
    {
        _log.Dispose();
        _over.Dispose();
        _taken.Dispose();
        _blocked?.Return();
        while (_records.Reader.TryRead(out var record))
            record?.Return();
        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// What takes time and can be done while the group decides who gets what. What fails is tried again when it is needed.
    /// </summary>
    private void Prepare()
    {
        try
        {
            _log.Prepare();
        }
        catch (Exception e) when (e is KafkaException or InvalidOperationException or ObjectDisposedException)
        {
            // Told when it is needed.
        }
    }

    private IConsumer<string?, BlockValue> Build()
    {
        var config = new ConsumerConfig
        {
            GroupId = _options.Group,
            GroupInstanceId = _options.Instance,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest, // of records that retention has removed; where to begin is said by seeking
            IsolationLevel = IsolationLevel.ReadCommitted,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
            QueuedMaxMessagesKbytes = 16_384,
            FetchQueueBackoffMs = 5, // by default it fetches nothing for a second whenever so much was fetched ahead
            FetchWaitMaxMs = 100, // a seek waits until the fetch that is under way is answered
            FetchMaxBytes = Math.Max(52_428_800, _options.MaxRecord),
            AllowAutoCreateTopics = false,
            TopicMetadataRefreshIntervalMs = (int)s_refresh.TotalMilliseconds,
            SessionTimeoutMs = _options.Instance is null ? (int)s_session.TotalMilliseconds : null,
        };
        return new ConsumerBuilder<string?, BlockValue>(_cluster.Configure(config))
            .SetKeyDeserializer(new KeyDeserializer())
            .SetValueDeserializer(new BlockDecoder(_options))
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler((_, e) => Unavailable(e))
            .SetPartitionsAssignedHandler((_, partitions) => Assigned(partitions))
            .SetPartitionsRevokedHandler((_, partitions) => Revoked(partitions, commits: true))
            .SetPartitionsLostHandler((_, partitions) => Revoked(partitions, commits: false))
            .Build();
    }

    private void Poll(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                while (_commands.TryDequeue(out var command))
                    command();
                if (TimeProvider.System.GetElapsedTime(_lastWake) > s_wake && _records.Writer.TryWrite(null))
                {
                    _lastWake = TimeProvider.System.GetTimestamp();
                    Measure();
                }

                if (!HasRoom())
                    continue;
                PauseAndResume();
                try
                {
                    if (_consumer.Consume(s_poll) is { } result)
                        Take(result);
                }
                catch (ConsumeException e) when (!e.Error.IsFatal)
                {
                    Unavailable(e.Error);
                    stop.WaitHandle.WaitOne(s_poll); // it may come again at once
                }
            }
        }
        catch (Exception e)
        {
            _output.Fail($"reading from Kafka failed: {_cluster.Describe(e)}");
            _over.Cancel();
        }

        // What is decided by now is committed as the partitions are given back; not where that would only wait.
        if (_health.State == SourceState.Away || _failures > 0)
            EndAll();
        try
        {
            HangGuard.Run($"Kafka at {_cluster.Name}, group {_options.Group}: Close", s_leave, _consumer.Close);
        }
        catch (KafkaException e)
        {
            _output.Warn(_cluster.Describe(e.Error));
        }

        EndAll();
        HangGuard.Run($"Kafka at {_cluster.Name}, group {_options.Group}: Dispose", s_leave, _consumer.Dispose);
    }

    private void Take(ConsumeResult<string?, BlockValue> result)
    {
        var value = result.Message.Value;
        if (!_leases.TryGetValue(result.TopicPartition, out var lease) || !lease.IsReady || lease.IsEnded)
        {
            value.Sound?.Return(); // it comes again when it is known where to begin
            return;
        }

        if (_health.State != SourceState.Running)
            _health.Become(SourceState.Running, "sound comes");
        var record = new IngestRecord(
            lease, result.Offset.Value, result.Message.Key ?? $"{result.Topic}-{result.Partition.Value}", value, result.Message.Headers,
                Written(result.Message.Timestamp));
        Interlocked.Add(ref _waitingBytes, record.Size);
        if (!_records.Writer.TryWrite(record))
            _blocked = record;
    }

    private void Measure()
    {
        foreach (var lease in _leases.Values)
        {
            if (lease.IsReady && _consumer.GetWatermarkOffsets(lease.Partition).High is { IsSpecial: false } end)
                KafkaMetrics.Lag(lease.Partition, Math.Max(0, end.Value - lease.Next));
        }
    }

    /// <summary>The pump is done with a record.</summary>
    private void OnTaken(IngestRecord record)
    {
        Interlocked.Add(ref _waitingBytes, -record.Size);
        if (_isWaiting)
            _taken.Set();
    }

    /// <summary>
    /// Waits a little for room while too much waits. A pause costs what the consumer has fetched ahead: as long as records are taken at
    /// all, not polling in between is cheaper. True where the consumer is to be polled: there is room, or a pause is due.
    /// </summary>
    private bool HasRoom()
    {
        _isWaiting = true;
        if (_blocked is { } blocked && _records.Writer.TryWrite(blocked))
            _blocked = null;
        if (_blocked is null && Interlocked.Read(ref _waitingBytes) <= _options.Buffer)
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
    private void PauseAndResume()
    {
        var isFull = _fullSince != 0;
        var hasRoom = !isFull && Interlocked.Read(ref _waitingBytes) <= _options.Buffer / 4;
        List<TopicPartition>? pause = null, resume = null;
        foreach (var (partition, lease) in _leases)
        {
            if (_paused.Contains(partition))
            {
                if (lease.IsReady && hasRoom)
                    (resume ??= []).Add(partition);
            }
            else if (isFull || !lease.IsReady)
            {
                (pause ??= []).Add(partition);
            }
        }

        if (pause is not null)
        {
            _consumer.Pause(pause);
            _paused.UnionWith(pause);
        }

        if (resume is not null)
        {
            _consumer.Resume(resume);
            _paused.ExceptWith(resume);
        }
    }

    private void Assigned(List<TopicPartition> partitions)
    {
        _committer.Join(_consumer.ConsumerGroupMetadata);
        if (_health.State == SourceState.Away)
            _health.Become(SourceState.Stalled, "the group has given partitions out; no sound yet");
        Begin(partitions);
    }

    private void Begin(IReadOnlyList<TopicPartition> partitions)
    {
        List<PartitionLease> leases = [.. partitions.Select(
            p => new PartitionLease(p, _options.StateTopic, $"{_options.Group}|{p.Topic}|{p.Partition.Value}|")
        {
            TransactionsAt = _options.IsExactlyOnce ? _cluster.Identity : null,
            Owner = _log.TransactionalId,
        })];
        foreach (var lease in leases)
        {
            _leases[lease.Partition] = lease;
            _paused.Remove(lease.Partition);
        }

        if (leases.Count > 0)
            _ = Task.Factory.StartNew(() => Load(leases), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Finds out where to go on. Others may give the partitions up meanwhile, and they may be somebody else's by then.</summary>
    private void Load(List<PartitionLease> leases)
    {
        for (var tries = 0; !_over.IsCancellationRequested && leases.Any(l => !l.IsEnded); tries++)
        {
            try
            {
                if (!_isStateTopicThere)
                {
                    if (_log.EnsureTopics(
                        _options.StateTopic, leases.Max(l => l.Partition.Partition.Value) + 1,
                        _options.Topics.Select(_options.LetterTopic)) is { } problem)
                        _output.Warn(_cluster.Describe(problem));
                    _isStateTopicThere = true;
                }

                var states = _log.Load([.. leases.Select(l => l.Partition)], _options.StateTopic, _over.Token);
                _commands.Enqueue(() => Go(leases, states));
                return;
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (Exception e)
            {
                _isStateTopicThere = false;
                _health.Become(SourceState.Away, $"where to go on can't be read: {_cluster.Describe(e)}");
                _over.Token.WaitHandle.WaitOne(Backoff(tries));
            }
        }
    }

    private void Go(List<PartitionLease> leases, Dictionary<TopicPartition, PartitionState> states)
    {
        foreach (var lease in leases.Where(l => !l.IsEnded && _leases.GetValueOrDefault(l.Partition) == l))
        {
            var state = states[lease.Partition];
            try
            {
                if (!_paused.Contains(lease.Partition))
                {
                    _consumer.Pause([lease.Partition]);
                    _paused.Add(lease.Partition);
                }

                var (offset, problems) = lease.Restore(state.Offset, state.IsCommitted, state.States);
                _consumer.Seek(new TopicPartitionOffset(lease.Partition, offset));
                foreach (var problem in problems)
                    _output.Fail(problem);
                _committer.Add(lease);
            }
            catch (KafkaException e) when (!e.Error.IsFatal)
            {
                // Not fetched yet, as it was only just assigned: once more from the beginning.
                lease.End();
                Begin([lease.Partition]);
            }
        }

        PauseAndResume();
        _ = leases.Take(MostNudges).All(l => KafkaCluster.Nudge(_consumer, l.Partition));
    }

    private void Revoked(List<TopicPartitionOffset> partitions, bool commits)
    {
        List<PartitionLease> leases = [.. partitions.Select(p => _leases.GetValueOrDefault(p.TopicPartition)).OfType<PartitionLease>()];
        try
        {
            // The group may be a generation further; this member still holds them until this returns.
            if (commits)
                _committer.Join(_consumer.ConsumerGroupMetadata);
            _committer.End(leases, commits);
        }
        catch (Exception e)
        {
            Failed(e);
        }

        foreach (var lease in leases)
        {
            _leases.Remove(lease.Partition);
            _paused.Remove(lease.Partition);
            _ended[lease] = true;
        }
    }

    private void EndAll() => Revoked([.. _leases.Keys.Select(p => new TopicPartitionOffset(p, Offset.Unset))], commits: false);

    /// <summary>The committer's loop.</summary>
    private void Commit(CancellationToken stop)
    {
        while (!stop.WaitHandle.WaitOne(_failures == 0 ? _options.CommitInterval : Backoff(_failures)))
        {
            var start = TimeProvider.System.GetTimestamp();
            try
            {
                if (_committer.Commit())
                    KafkaMetrics.Committed(TimeProvider.System.GetElapsedTime(start), isOk: true);
                _failures = 0;
            }
            catch (Exception e)
            {
                KafkaMetrics.Committed(TimeProvider.System.GetElapsedTime(start), isOk: false);
                _failures++;
                Failed(e);
            }
        }
    }

    /// <summary>A commit has failed, or may have: everything is taken anew from what is committed.</summary>
    private void Failed(Exception e)
    {
        _output.Warn($"a commit failed: {_cluster.Describe(e)}; it goes on from what was committed last");
        _commands.Enqueue(() =>
        {
            List<PartitionLease> gone = [.. _leases.Values.Where(l => l.IsEnded)];
            foreach (var lease in gone)
                _ended[lease] = true;
            Begin([.. gone.Select(l => l.Partition)]);
        });
    }

    private void Unavailable(Error error)
    {
        if (error.IsFatal || error.Code is ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Authentication or ErrorCode.Local_Resolve
            or ErrorCode.UnknownTopicOrPart or ErrorCode.TopicAuthorizationFailed or ErrorCode.GroupAuthorizationFailed)
            _health.Become(SourceState.Away, $"Kafka at {_cluster.Name}, group {_options.Group}: "
                + $"{_cluster.Describe(error)}");
    }

    /// <summary>A record's timestamp; producers write what they like.</summary>
    private static DateTime Written(Timestamp timestamp) =>
        DateTime.UnixEpoch.AddMilliseconds(Math.Clamp(timestamp.UnixTimestampMs, 0, LatestTimestamp));

    private static TimeSpan Backoff(int tries) =>
        TimeSpan.FromSeconds(
        Math.Min(s_longestBackoff.TotalSeconds, 0.5 * Math.Pow(2, Math.Min(tries, 10)) * (0.5 + Random.Shared.NextDouble())));
}
