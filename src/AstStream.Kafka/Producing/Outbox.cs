using System.Globalization;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Records of sound on their way to brokers, in order. It keeps what brokers do not have: in memory at first, on disk when it gets old or
/// too much, and across a restart.
/// </summary>
/// <remarks>
/// Every record has a number. Memory holds a run of them, which are with librdkafka; those after the run are in the spool, and follow when
/// there is room. What is in memory is in the spool too when it is two seconds old, so that a crash costs no more than these.
/// </remarks>
internal sealed class Outbox : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1); // after an error
    private static readonly TimeSpan s_old = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_between = TimeSpan.FromMinutes(1); // lines of one kind

    private readonly AudioPublisherOptions _options;
    private readonly KafkaCluster _cluster;
    private readonly TimeProvider _time = TimeProvider.System;
    private readonly Action<string> _warn;
    private readonly CancellationTokenSource _over = new();
    private readonly Task _spooling;

    // Under the lock.
    private readonly Lock _lock = new();
    private readonly LinkedList<Entry> _memory = new(); // in order
    private readonly List<AudioMessage> _overflow = []; // on its way to the spool, after everything that is there
    private long _bytes; // of both
    private long _number;
    private bool _isSpooling; // records behind those in memory are in the spool
    private bool _isBroken; // the producer can't be used any more
    private bool _isCareful; // records are sent one by one
    private int _generation; // of the producer
    private Error? _error; // until it is tried again
    private long _failed;
    private long _dropped;
    private long _lastDropWarning;
    private TaskCompletionSource _change = NewChange();

    // The keeper's.
    private readonly Spool? _spool;
    private IProducer<string, byte[]?> _producer;
    private bool _isAway;
    private long _trimmedTo; // records up to here are not in the spool any more
    private long _doneTo; // delivered, of those that were in the spool
    private long _forgottenTo; // removed from it for that
    private long _lastSpoolWarning;

    /// <summary>Opens the spool and begins with what it holds.</summary>
    /// <exception cref="SinkException">The spool can't be used.</exception>
    public Outbox(AudioPublisherOptions options, Action<string> warn)
    {
        (_options, _cluster, _warn) = (options, new KafkaCluster(options.Access), warn);
        _spool = options.Spool is { } path ? Spool.Open(path) : null;
        _number = _spool?.Last ?? 0;
        _isSpooling = _spool?.Size > 0;
        try
        {
            _producer = Open();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            _spool?.Dispose();
            throw new SinkException($"{options.Topic} at {_cluster.Name}: {_cluster.Describe(e.Message)}");
        }

        _spooling = Task.Run(() => RunSpoolAsync(_over.Token));
    }

    /// <summary>Waits until the brokers have everything; with a spool, not for long: the end puts there what they do not have.</summary>
    /// <exception cref="SinkException">They do not take it, and there is no spool.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        var isDone = await UntilAsync(
            () => _memory.Count == 0 && _overflow.Count == 0 && !_isSpooling, s_drain, cancellation).ConfigureAwait(false);
        if (!isDone && _spool is null)
            throw new SinkException(
                $"{_options.Topic} at {_cluster.Name}: {Waiting()} records of sound are not delivered{Why()}", isTransient: true);
    }

    /// <summary>Waits until what was taken is with the brokers or in the spool.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellation) =>
        await UntilAsync(
            () => _overflow.Count == 0 && _memory.All(e => e.IsDone || e.IsSpooled), Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(
            false);

    /// <summary>
    /// Takes the last block of a stream that has no end here, though there may be no room for it. Nothing is taken after it.
    /// </summary>
    public void TakeLast(string stream, byte[] value, BlockFormat format)
    {
        lock (_lock)
            Place(stream, value, format, isFull: false);
    }

    /// <summary>Gives brokers a moment for what is left, and puts into the spool what they do not have.</summary>
    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _spooling.ConfigureAwait(false);

        HangGuard.Run($"Kafka at {_cluster.Name}, topic {_options.Topic}: Dispose", 3 * s_drain, () =>
        {
            _producer.Flush(TimeSpan.FromSeconds(1));
            _producer.Dispose();
        });
        List<AudioMessage> undelivered;
        lock (_lock)
        {
            _doneTo = Math.Max(_doneTo, Pop());
            undelivered = [.. _memory.Where(e => !e.IsDone && !(e.IsSpooled && e.Message.Number > _trimmedTo)).Select(e => e.Message),
                .. _overflow];
        }

        try
        {
            if (_spool is not null)
            {
                Forget();
                AddToSpool(undelivered, last: 0);
                undelivered.Clear();
            }
        }
        catch (Exception e) when (e is SinkException or IOException or UnauthorizedAccessException)
        {
            _warn(e.Message);
        }

        if (undelivered.Count > 0)
            Drop(undelivered.Count, $"at the end{Why()}{(_spool is null ? "; a spool would keep them" : "")}");
        if (_spool is { Size: > 0 })
            _warn(string.Create(
                CultureInfo.InvariantCulture,
                $"{_options.Topic} at {_cluster.Name}: {_spool.Size / 1e6:0.#} MB of sound wait in {_options.Spool} for the "
                    + $"next run"));
        _spool?.Dispose();
        _over.Dispose();
    }

    /// <summary>Waits until something is so, under the lock; false where patience ends before.</summary>
    private async Task<bool> UntilAsync(Func<bool> isSo, TimeSpan patience, CancellationToken cancellation)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            Task change;
            lock (_lock)
            {
                if (isSo())
                    return true;
                change = _change.Task;
            }

            if (patience != Timeout.InfiniteTimeSpan && _time.GetElapsedTime(start) > patience)
                return false;
            await change.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Takes a record; waits where there is no room. Without a value it is the stream's end.</summary>
    public async ValueTask TakeAsync(string stream, byte[]? value, BlockFormat? format, CancellationToken cancellation)
    {
        while (true)
        {
            Task change;
            lock (_lock)
            {
                var isFull = _bytes > _options.Memory;
                if (!isFull || (_spool is not null && _bytes < 2 * _options.Memory))
                {
                    Place(stream, value, format, isFull);
                    return;
                }

                change = _change.Task;
            }

            await change.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Numbers a record, and sends it if it may go at once. Under the lock.</summary>
    private void Place(string stream, byte[]? value, BlockFormat? format, bool isFull)
    {
        var message = new AudioMessage(++_number, stream, value, format);
        _bytes += message.Size;
        if (isFull || _isSpooling || _overflow.Count > 0)
            _overflow.Add(message);
        else
            Send(_memory.AddLast(new Entry(message, _time.GetTimestamp())));
    }

    /// <summary>
    /// Lets go of what was delivered, from the front; the last of them that is in the spool, 0 where none is. Under the lock.
    /// </summary>
    private long Pop()
    {
        var done = 0L;
        while (_memory.First is { Value: { IsDone: true } entry })
        {
            _memory.RemoveFirst();
            _bytes -= entry.Message.Size;
            done = entry.IsSpooled ? entry.Message.Number : done;
        }

        return done;
    }

    /// <summary>Gives an entry to librdkafka, unless one before it still waits for that. Under the lock.</summary>
    private void Send(LinkedListNode<Entry> node)
    {
        var entry = node.Value;
        if (_isBroken || _error is not null || node.Previous is { Value: { IsSent: false, IsDone: false } })
            return;
        try
        {
            var (m, generation) = (entry.Message, _generation);
            _producer.Produce(
                _options.Topic, new Message<string, byte[]?> { Key = m.Stream, Value = m.Value, Headers = m.Format?.ToHeaders() },
                report => Delivered(entry, generation, report));
            entry.IsSent = true;
        }
        catch (ProduceException<string, byte[]?> e)
        {
            if (!GivesUp(entry, e.Error, isAlone: true) && e.Error.Code != ErrorCode.Local_QueueFull)
                Fail(e.Error);
        }
    }

    private void Fail(Error error)
    {
        (_error, _failed) = (error, _time.GetTimestamp());
        _isBroken |= error.IsFatal;
    }

    /// <summary>Librdkafka's answer, on a thread of its own.</summary>
    private void Delivered(Entry entry, int generation, DeliveryReport<string, byte[]?> report)
    {
        lock (_lock)
        {
            if (!report.Error.IsError)
            {
                entry.IsDone = true;
            }
            else if (generation == _generation && !GivesUp(entry, report.Error, _isCareful))
            {
                entry.IsSent = false;
                Fail(report.Error);
            }
        }
    }

    /// <summary>
    /// Whether a record will never be taken, and is given up for that. A broker refuses a whole batch for one record, or for its own size:
    /// from then on each goes alone. Under the lock.
    /// </summary>
    private bool GivesUp(Entry entry, Error error, bool isAlone)
    {
        if (error.Code is not (ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidRecord))
            return false;
        if (!isAlone)
        {
            _isCareful = _isBroken = true;
            return false;
        }

        entry.IsDone = true;
        Drop(1, $"this one of {entry.Message.Size} bytes as it is not taken: {_cluster.Describe(error)}; block makes them smaller");
        return true;
    }

    /// <summary>Keeps order between memory, spool and brokers.</summary>
    private async Task RunSpoolAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(s_interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Try(UpdateSpool);
        }
    }

    private void UpdateSpool()
    {
        var old = Review(out var keep, out var last);
        if (_spool is null)
            return;

        // Each for itself: a disk that takes nothing can give, and room comes by what goes.
        Try(Forget);
        Try(() => Store(keep, old, last));
        Try(() => Refill(last));
        KafkaMetrics.Spooled(_options.Topic, _spool.Size);
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            if (_lastSpoolWarning == 0 || _time.GetElapsedTime(_lastSpoolWarning) > s_between)
                _warn($"{_cluster.Describe(e.Message)}; until that is repaired only memory keeps what brokers do not have");
            _lastSpoolWarning = _time.GetTimestamp();
        }
    }

    /// <summary>Lets go of what was delivered, sends again what was refused, and finds what is to be kept.</summary>
    /// <param name="keep">What the spool is to hold: what has become old, and what follows what is in memory.</param>
    /// <param name="last">The last record in memory.</param>
    /// <returns>The entries that have become old.</returns>
    private List<Entry> Review(out List<AudioMessage> keep, out long last)
    {
        lock (_lock)
        {
            _doneTo = Math.Max(_doneTo, Pop());
            List<Entry> old = _spool is null
                ? [] : [.. _memory.Where(e => !e.IsDone && !e.IsSpooled && _time.GetElapsedTime(e.Taken) > s_old)];
            keep = [.. old.Select(e => e.Message), .. _overflow];
            last = _memory.Last?.Value.Message.Number ?? 0;
            Tell();
            if (_error is null || _time.GetElapsedTime(_failed) > s_again)
                TryAgain();
            _change.TrySetResult();
            _change = NewChange();
            return old;
        }
    }

    /// <summary>Removes from the spool what was delivered.</summary>
    private void Forget()
    {
        if (_doneTo == _forgottenTo)
            return;
        _spool!.RemoveTo(_doneTo);
        _forgottenTo = _doneTo;
    }

    private void Store(List<AudioMessage> keep, List<Entry> old, long last)
    {
        if (keep.Count == 0)
            return;
        AddToSpool(keep, last);
        lock (_lock)
        {
            old.ForEach(e => e.IsSpooled = true);
            var overflow = keep.Skip(old.Count).ToList();
            _isSpooling |= overflow.Count > 0;
            _overflow.RemoveRange(0, overflow.Count);
            _bytes -= overflow.Sum(m => (long)m.Size);
        }
    }

    /// <summary>Adds to the spool; the oldest in it go where it may not hold so much, or the disk has no room.</summary>
    private void AddToSpool(List<AudioMessage> keep, long last)
    {
        var lacking = keep.Sum(m => (long)m.Size) - _spool!.Room;
        if (lacking > 0)
            Trim(Math.Max(0, _spool.Size - lacking), last, "the disk is full");
        if (keep.Count > 0)
            _spool.Add(keep);
        Trim(_options.SpoolSize, last, "spool_size sets how much it may hold");
    }

    private void Trim(long most, long last, string why)
    {
        if (_spool!.Trim(most) is not { Count: > 0 } trimmed)
            return;

        // What memory holds is not lost by that yet.
        _trimmedTo = trimmed[^1];
        Drop(trimmed.Count(n => n > last),
            string.Create(CultureInfo.InvariantCulture, $"the oldest first: {_options.Spool} holds {_spool.Size / 1e6:0.#} MB, {why}"));
    }

    /// <summary>Those that were refused go again, in order. Under the lock.</summary>
    private void TryAgain()
    {
        _error = null;
        if (_isBroken)
            Reopen();
        for (var node = _memory.First; node is not null; node = node.Next)
        {
            if (!node.Value.IsSent && !node.Value.IsDone)
                Send(node);
        }
    }

    /// <summary>Says once when sound begins to wait, and once when it does not any more. Under the lock.</summary>
    private void Tell()
    {
        var isLate = _isSpooling || _error is not null
            || (_memory.First is { Value: { } first } && _time.GetElapsedTime(first.Taken) > s_old);
        if (isLate == _isAway)
            return;
        _isAway = isLate;
        _warn($"{_options.Topic} at {_cluster.Name}: " + (isLate
            ? $"sound is not delivered{Why()}; it waits in "
                + $"{(_spool is null ? $"memory, at most {_options.Memory / 1e6:0.#} MB" : _options.Spool)}"
            : "all sound is delivered again"));
    }

    /// <summary>What is in the spool after what is in memory follows when there is room.</summary>
    private void Refill(long last)
    {
        lock (_lock)
        {
            if (!_isSpooling || _bytes > _options.Memory / 2)
                return;
        }

        // What was delivered already is not there any more.
        var next = _spool!.Read(Math.Max(last, _doneTo), Math.Max(1, _options.Memory / 4));
        lock (_lock)
        {
            foreach (var message in next)
            {
                _bytes += message.Size;
                Send(_memory.AddLast(new Entry(message, _time.GetTimestamp()) { IsSpooled = true }));
            }

            if (next.Count > 0)
                return;
            _isSpooling = false;
            foreach (var message in _overflow)
                Send(_memory.AddLast(new Entry(message, _time.GetTimestamp())));
            _overflow.Clear();
        }
    }

    private void Drop(long records, string why)
    {
        if (records == 0)
            return;
        KafkaMetrics.Dropped(_options.Topic, records);
        lock (_lock)
        {
            _dropped += records;
            if (_lastDropWarning != 0 && _time.GetElapsedTime(_lastDropWarning) < s_between)
                return;
            _lastDropWarning = _time.GetTimestamp();
            _warn($"{_options.Topic} at {_cluster.Name}: {_dropped} records of sound are dropped so far, {why}");
        }
    }

    private long Waiting()
    {
        lock (_lock)
            return _memory.Count + _overflow.Count;
    }

    private string Why()
    {
        lock (_lock)
            return _error is { } error ? $": {_cluster.Describe(error)}" : "";
    }

    /// <summary>A producer that has lost its place begins anew. Under the lock.</summary>
    private void Reopen()
    {
        var old = _producer;
        try
        {
            _producer = Open();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            Fail(new Error(ErrorCode.Local_Fail, e.Message)); // a file that it needs is gone, perhaps for a moment
            return;
        }

        _generation++;
        _isBroken = false;
        foreach (var entry in _memory)
            entry.IsSent = entry.IsDone;
        _ = Task.Run(old.Dispose); // it calls back meanwhile
    }

    private IProducer<string, byte[]?> Open() => _cluster.Producer<string, byte[]?>(new ProducerConfig
    {
        EnableIdempotence = true,
        LingerMs = 20,
        MessageTimeoutMs = 0, // it waits for as long as it takes
        QueueBufferingMaxKbytes = (int)Math.Min(2_000_000, (_options.Memory / 1000 * 2) + 1000),
        QueueBufferingMaxMessages = 10_000_000,
        BatchNumMessages = _isCareful ? 1 : 10_000,
    });

    /// <summary>A record in memory.</summary>
    private sealed class Entry(AudioMessage message, long taken)
    {
        public AudioMessage Message => message;

        public long Taken => taken;

        public bool IsSent { get; set; }

        public bool IsDone { get; set; }

        public bool IsSpooled { get; set; }
    }
}
