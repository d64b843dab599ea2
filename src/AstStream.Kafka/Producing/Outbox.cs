using System.Diagnostics;
using System.Globalization;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Streaming.Sinks;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Records of sound on their way to brokers, in order. It keeps what brokers do not have: in memory at first, on disk when it gets old or
/// too much, and across a restart.
/// </summary>
/// <remarks>
/// Every record has a number. The producer has a run of them; those after the run are in the spool, and follow when there is room; those
/// after these overflow, and go to the spool next. What the producer has is in the spool too when it is two seconds old, so that a crash
/// costs no more than these.
/// </remarks>
internal sealed class Outbox : IAsyncDisposable
{
    private const double LingerMs = 20;

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1); // after an error
    private static readonly TimeSpan s_old = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10);

    private readonly AudioPublisherOptions _options;
    private readonly KafkaCluster _cluster;
    private readonly string _name;
    private readonly OutboxReport _report;
    private readonly Action<string> _warn;
    private readonly OrderedProducer<SoundRecord> _producer;
    private readonly CancellationTokenSource _over = new();
    private readonly Task _spooling;

    // Under the lock, which is taken before the producer's.
    private readonly Lock _lock = new();
    private readonly List<AudioMessage> _overflow = [];
    private long _overflowBytes;
    private long _number; // of the last record
    private long _givenTo; // records up to here were given to the producer
    private bool _isSpooling; // records after these are in the spool
    private TaskCompletionSource _change = NewChange();

    // The spool's loop's.
    private readonly Spool? _spool;
    private long _trimmedTo; // records up to here are not in the spool any more
    private long _forgottenTo; // removed from it, as they are delivered

    /// <summary>Opens the spool and begins with what it holds.</summary>
    /// <exception cref="SinkException">The spool can't be used.</exception>
    public Outbox(AudioPublisherOptions options, Action<string> warn)
    {
        (_options, _cluster, _warn) = (options, new KafkaCluster(options.Access), warn);
        _name = $"{options.Topic} at {_cluster.Name}";
        _report = new OutboxReport(_name, options.Topic, warn);
        _spool = options.Spool is { } path ? Spool.Open(path) : null;
        _number = _spool?.Last ?? 0;
        _isSpooling = _spool?.Size > 0;
        var name = $"Kafka at {_cluster.Name}, topic {options.Topic}";
        _producer = new OrderedProducer<SoundRecord>(
            _cluster, new OrderedProducerOptions(options.Topic, name, options.Memory, LingerMs));
        try
        {
            _producer.Prepare();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            _spool?.Dispose();
            throw new SinkException($"{_name}: {_cluster.Describe(e.Message)}");
        }

        _spooling = Task.Run(() => RunSpoolAsync(_over.Token));
    }

    /// <summary>Waits until the brokers have everything; with a spool, not for long: the end puts there what they do not have.</summary>
    /// <exception cref="SinkException">They do not take it, and there is no spool.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        var isDone = await UntilAsync(
            () => _producer.Bytes == 0 && _overflow.Count == 0 && !_isSpooling, s_drain, cancellation).ConfigureAwait(false);
        if (!isDone && _spool is null)
            throw new SinkException(
                $"{_name}: {_producer.Undelivered.Count} records of sound are not delivered{Why()}", isTransient: true);
    }

    /// <summary>Waits until what was taken is with the brokers or in the spool.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellation) =>
        await UntilAsync(
            () => _overflow.Count == 0 && _producer.Undelivered.All(r => r.IsSpooled), Timeout.InfiniteTimeSpan, cancellation)
            .ConfigureAwait(false);

    /// <summary>Takes a record; waits where there is no room. Without a value it is the stream's end.</summary>
    public async ValueTask TakeAsync(string stream, byte[]? value, BlockFormat? format, CancellationToken cancellation)
    {
        while (true)
        {
            Task change;
            lock (_lock)
            {
                var bytes = _producer.Bytes + _overflowBytes;
                var isFull = bytes > _options.Memory;
                if (!isFull || (_spool is not null && bytes < 2 * _options.Memory))
                {
                    Place(stream, value, format, isFull);
                    return;
                }

                change = _change.Task;
            }

            await change.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

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

        _producer.Close(flush: TimeSpan.FromSeconds(1));
        List<AudioMessage> undelivered =
        [
            .. _producer.Undelivered.Where(r => !r.IsSpooled || r.Audio.Number <= _trimmedTo).Select(r => r.Audio), .. _overflow,
        ];
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
            _report.Drop(undelivered.Count, $"at the end{Why()}{(_spool is null ? "; a spool would keep them" : "")}");
        if (_spool is { Size: > 0 })
            _warn(string.Create(
                CultureInfo.InvariantCulture,
                $"{_name}: {_spool.Size / 1e6:0.#} MB of sound wait in {_options.Spool} for the next run"));
        _spool?.Dispose();
        _over.Dispose();
    }

    /// <summary>Waits until something is so, under the lock; false where patience ends before.</summary>
    private async Task<bool> UntilAsync(Func<bool> isSo, TimeSpan patience, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            Task change;
            lock (_lock)
            {
                if (isSo())
                    return true;
                change = _change.Task;
            }

            if (patience != Timeout.InfiniteTimeSpan && Stopwatch.GetElapsedTime(start) > patience)
                return false;
            await change.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Numbers a record, and gives it to the producer if it is its turn. Under the lock.</summary>
    private void Place(string stream, byte[]? value, BlockFormat? format, bool isFull)
    {
        var message = new AudioMessage(++_number, stream, value, format);
        if (isFull || _isSpooling || _overflow.Count > 0)
        {
            _overflow.Add(message);
            _overflowBytes += message.Size;
        }
        else
        {
            Give(message, isSpooled: false);
        }
    }

    /// <summary>Under the lock.</summary>
    private void Give(AudioMessage message, bool isSpooled)
    {
        Debug.Assert(message.Number > _givenTo, "records go in their order");
        _givenTo = message.Number;
        _producer.Take(new SoundRecord(message, Stopwatch.GetTimestamp()) { IsSpooled = isSpooled });
    }

    /// <summary>Keeps order between memory, spool and brokers.</summary>
    private async Task RunSpoolAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(s_interval, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Try(Update);
        }
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _report.SpoolFails(_cluster.Describe(e.Message));
        }
    }

    private void Update()
    {
        _producer.TryAgain(s_again);
        foreach (var refusal in _producer.TakeRefused())
            _report.Drop(
                1, $"this one of {refusal.Size} bytes as it is not taken: {_cluster.Describe(refusal.Error)}; block makes them smaller");
        var old = WhatIsOld(out var overflow, out var last);
        if (_spool is null)
            return;

        // Each for itself: a disk that takes nothing can give, and room comes by what goes.
        Try(Forget);
        Try(() => Store(old, overflow, last));
        Try(() => Refill(last));
        KafkaMetrics.Spooled(_options.Topic, _spool.Size);
    }

    /// <summary>What the spool is to hold: records that the producer has had for long, and those that overflow.</summary>
    private List<SoundRecord> WhatIsOld(out List<AudioMessage> overflow, out long last)
    {
        lock (_lock)
        {
            var waiting = _producer.Undelivered;
            var isLate = waiting.Count > 0 && Stopwatch.GetElapsedTime(waiting[0].Taken) > s_old;
            _report.IsLate(
                _isSpooling || _producer.Error is not null || isLate,
                () => $"{Why()}; it waits in {(_spool is null ? $"memory, at most {_options.Memory / 1e6:0.#} MB" : _options.Spool)}");
            _change.TrySetResult();
            _change = NewChange();
            (overflow, last) = ([.. _overflow], _givenTo);
            return [.. waiting.Where(r => !r.IsSpooled && Stopwatch.GetElapsedTime(r.Taken) > s_old)];
        }
    }

    /// <summary>Records up to this one are delivered.</summary>
    private long DoneTo()
    {
        lock (_lock)
            return _producer.Undelivered is [var first, ..] ? first.Audio.Number - 1 : _givenTo;
    }

    /// <summary>Removes from the spool what was delivered.</summary>
    private void Forget()
    {
        if (_spool!.Size == 0 || DoneTo() is var done && done == _forgottenTo)
            return;
        _spool.RemoveTo(done);
        _forgottenTo = done;
    }

    private void Store(List<SoundRecord> old, List<AudioMessage> overflow, long last)
    {
        List<AudioMessage> keep = [.. old.Select(r => r.Audio), .. overflow];
        if (keep.Count == 0)
            return;
        AddToSpool(keep, last);
        lock (_lock)
        {
            old.ForEach(r => r.IsSpooled = true);
            _isSpooling |= overflow.Count > 0;
            _overflow.RemoveRange(0, overflow.Count);
            _overflowBytes -= overflow.Sum(m => (long)m.Size);
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

        // What the producer has is not lost by that yet.
        _trimmedTo = trimmed[^1];
        _report.Drop(trimmed.Count(n => n > last),
            string.Create(CultureInfo.InvariantCulture, $"the oldest first: {_options.Spool} holds {_spool.Size / 1e6:0.#} MB, {why}"));
    }

    /// <summary>What is in the spool after what the producer has follows when there is room.</summary>
    private void Refill(long last)
    {
        lock (_lock)
        {
            if (!_isSpooling || _producer.Bytes + _overflowBytes > _options.Memory / 2)
                return;
        }

        var next = _spool!.Read(last, Math.Max(1, _options.Memory / 4));
        lock (_lock)
        {
            foreach (var message in next)
                Give(message, isSpooled: true);
            if (next.Count > 0)
                return;
            _isSpooling = false;
            foreach (var message in _overflow)
                Give(message, isSpooled: false);
            _overflow.Clear();
            _overflowBytes = 0;
        }
    }

    private string Why() => _producer.Error is { } error ? $": {_cluster.Describe(error)}" : "";
}
