using System.Collections.Concurrent;
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

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_wake = TimeSpan.FromSeconds(0.25); // the pump, so that it sees what else there is to do
    private static readonly TimeSpan s_leave = TimeSpan.FromSeconds(30); // the group

    private readonly KafkaSourceOptions _options;
    private readonly KafkaCluster _cluster;
    private readonly SourceOutput _output;
    private readonly SourceHealth _health;
    private readonly KafkaLog _log;
    private readonly Committer _committer;
    private readonly PartitionLoader _loader;
    private readonly RecordGate _gate;
    private readonly ConcurrentQueue<Action> _commands = new(); // for the polling thread
    private readonly ConcurrentDictionary<PartitionLease, bool> _ended = new(); // that the pump takes out of the graph
    private readonly CancellationTokenSource _over = new();
    private readonly GroupMembership _membership;
    private int _failures; // in a row

    // The polling thread's.
    private readonly Dictionary<TopicPartition, PartitionLease> _leases = [];
    private readonly SoughtOffsets _sought;
    private IConsumer<string?, BlockValue> _consumer = null!;
    private long _lastWake;

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
        _membership = new GroupMembership(Name, () => _consumer.ConsumerGroupMetadata, _committer.Join, options.IsAssignedByBrokers);
        _gate = new RecordGate(options.Buffer);
        _loader = new PartitionLoader(options, cluster, _log, output, health);
        _sought = new SoughtOffsets(place => _consumer.Seek(place));
    }

    /// <summary>
    /// Whether it has ended as the brokers hold a member of the same name for alive: this worker before it was killed, until its session
    /// is over, or another one.
    /// </summary>
    public bool IsNameTaken { get; private set; }

    public async Task RunAsync(CancellationToken stop, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation, _over.Token);
        _consumer = Build();
        _consumer.Subscribe(_options.Topics);
        if (!_options.IsAssignedByBrokers || _options.Instance is null) // a name may be another one's there, whose transaction it ends
            _ = Task.Factory.StartNew(Prepare, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var polling = Task.Factory.StartNew(
            () => Poll(either.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var committing = Task.Factory.StartNew(
            () => Commit(either.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var pump = new KafkaPump(_options, _output, _ended);
        try
        {
            await pump.RunAsync(_gate.Reader, _gate.Taken, either.Token).ConfigureAwait(false);
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
        _gate.Dispose();
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

    private IConsumer<string?, BlockValue> Build() =>
        new ConsumerBuilder<string?, BlockValue>(_cluster.Configure(MemberSettings.Of(_options)))
            .SetKeyDeserializer(new KeyDeserializer())
            .SetValueDeserializer(new BlockDecoder(_options))
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler((_, e) => Unavailable(e))
            .SetPartitionsAssignedHandler((_, partitions) => Assigned(partitions))
            .SetPartitionsRevokedHandler((_, partitions) => Revoked(partitions, commits: true))
            .SetPartitionsLostHandler((_, partitions) => Revoked(partitions, commits: false))
            .Build();

    private void Poll(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                while (_commands.TryDequeue(out var command))
                    command();
                if (TimeProvider.System.GetElapsedTime(_lastWake) > s_wake && _gate.TryWake())
                {
                    _lastWake = TimeProvider.System.GetTimestamp();
                    Measure();
                }

                if (!_gate.HasRoom())
                    continue;
                _gate.PauseAndResume(_leases.Values, _consumer);
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
        catch (KafkaException e) when (e.Error.Code == ErrorCode.UnreleasedInstanceId)
        {
            IsNameTaken = true;
            _over.Cancel();
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
            _membership.Close();
            HangGuard.Run($"{Name}: Close", s_leave, _consumer.Close);
        }
        catch (KafkaException e)
        {
            if (!IsNameTaken)
                _output.Warn(_cluster.Describe(e.Error));
        }

        EndAll();
        HangGuard.Run($"{Name}: Dispose", s_leave, _consumer.Dispose);
    }

    private void Take(ConsumeResult<string?, BlockValue> result)
    {
        var value = result.Message.Value;
        if (!_leases.TryGetValue(result.TopicPartition, out var lease) || !lease.IsReady || lease.IsEnded
            || !_sought.Takes(result.TopicPartitionOffset))
        {
            value.Sound?.Return(); // it comes again when it is known where to begin
            return;
        }

        _health.SoundCame();
        var record = new IngestRecord(
            lease, result.Offset.Value, result.Message.Key ?? $"{result.Topic}-{result.Partition.Value}", value, result.Message.Headers,
            IngestRecord.TimeOf(result.Message.Timestamp));
        _gate.Add(record);
    }

    private void Measure()
    {
        foreach (var lease in _leases.Values)
        {
            if (lease.IsReady && _consumer.GetWatermarkOffsets(lease.Partition).High is { IsSpecial: false } end)
                KafkaMetrics.Lag(lease.Partition, Math.Max(0, end.Value - lease.Next), lease.LastWritten);
        }
    }

    private void Assigned(List<TopicPartition> partitions)
    {
        _membership.Join();
        if (_health.State is SourceState.Away or SourceState.Starting)
            _health.Become(SourceState.Stalled, "the group has given partitions out; no sound yet");
        Begin(partitions);
    }

    private void Begin(IReadOnlyList<TopicPartition> partitions)
    {
        List<PartitionLease> leases = [.. partitions.Select(
            p => new PartitionLease(p, _options.StateTopic, _options.Group)
        {
            TransactionsAt = _options.IsExactlyOnce ? _cluster.Identity : null,
            Owner = _log.TransactionalId,
        })];
        foreach (var lease in leases)
        {
            _leases[lease.Partition] = lease;
            _gate.Forget(lease.Partition);
            _sought.Forget(lease.Partition);
        }

        if (leases.Count > 0)
            _ = LoadAsync(leases);
    }

    private async Task LoadAsync(List<PartitionLease> leases)
    {
        if (await _loader.LoadAsync(leases, _over.Token).ConfigureAwait(false) is { } states)
            _commands.Enqueue(() => Resume(leases, states));
    }

    private void Resume(List<PartitionLease> leases, Dictionary<TopicPartition, PartitionState> states)
    {
        foreach (var lease in leases.Where(l => !l.IsEnded && _leases.GetValueOrDefault(l.Partition) == l))
        {
            var state = states[lease.Partition];
            try
            {
                _gate.Pause(lease.Partition, _consumer);
                var (offset, problems) = lease.Restore(state.Offset, state.IsCommitted, state.States);
                _sought.Seek(new TopicPartitionOffset(lease.Partition, offset));
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

        _gate.PauseAndResume(_leases.Values, _consumer);
        _ = leases.Take(MostNudges).All(l => KafkaCluster.Nudge(_consumer, l.Partition));
    }

    private void Revoked(List<TopicPartitionOffset> partitions, bool commits)
    {
        List<PartitionLease> leases = [.. partitions.Select(p => _leases.GetValueOrDefault(p.TopicPartition)).OfType<PartitionLease>()];
        try
        {
            // The group may be a generation further; this member still holds them until this returns.
            if (commits)
                _membership.Join();
            _committer.End(leases, commits);
        }
        catch (Exception e)
        {
            Failed(e);
        }

        foreach (var lease in leases)
        {
            _leases.Remove(lease.Partition);
            _gate.Forget(lease.Partition);
            _sought.Forget(lease.Partition);
            _ended[lease] = true;
            KafkaMetrics.Lag(lease.Partition, 0, default); // from here on somebody else's
        }
    }

    private void EndAll() => Revoked([.. _leases.Keys.Select(p => new TopicPartitionOffset(p, Offset.Unset))], commits: false);

    /// <summary>The committer's loop.</summary>
    private void Commit(CancellationToken stop)
    {
        while (!stop.WaitHandle.WaitOne(_failures == 0 ? _options.CommitInterval : PartitionLoader.Backoff(_failures)))
        {
            var start = TimeProvider.System.GetTimestamp();
            try
            {
                _membership.Refresh();
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

    private string Name => $"Kafka at {_cluster.Name}, group {_options.Group}";

    /// <summary>A commit has failed, or may have: everything is taken up again from what is committed.</summary>
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
            _health.Become(SourceState.Away, $"{Name}: {_cluster.Describe(error)}");
    }
}
