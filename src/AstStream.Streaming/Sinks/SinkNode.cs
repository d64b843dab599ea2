using System.Threading.Channels;
using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Polly;
using Polly.Retry;

namespace AstStream.Streaming.Sinks;

/// <summary>
/// Writes records to a sink. A write that fails is tried again for as long as the options say; then the sink is out: what comes for it is
/// dropped and counted, and now and then one record is tried, until it writes again. Records that somebody answers for
/// (<see cref="StreamInfo.Delivery"/>) are never dropped: they wait.
/// </summary>
internal sealed class SinkNode : Node
{
    private const int MostCheckpoints = 64; // before a flush, though records wait

    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    private readonly Edge<StreamRecord> _input;
    private readonly ISink _sink;
    private readonly SinkOptions _options;
    private readonly TimeProvider _time;
    private readonly RunReport _report;
    private readonly ResiliencePipeline _retry; // for a while
    private readonly ResiliencePipeline _retryForEver;
    private readonly List<StreamCheckpoint> _checkpoints = []; // that wait for the next flush
    private readonly Func<bool>? _isAlone;
    private SinkState _state;
    private bool _isFinal; // what it failed of does not go better later
    private bool _hasTaken; // a record, since it is out; whether it writes is known after the next flush
    private TimeSpan _delay; // to the next try while it is out
    private long _lastTry;
    private long _missed; // records, since it is out
    private long _since; // when the operation that is under way began

    /// <summary>Makes a node.</summary>
    /// <param name="name">The sink's name.</param>
    /// <param name="input">What it reads.</param>
    /// <param name="sink">The sink.</param>
    /// <param name="options">How long it is tried, and what happens then.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Counts.</param>
    /// <param name="isAlone">Whether no other sink can write any more: then a run without end has nobody to run for.</param>
    public SinkNode(string name, Edge<StreamRecord> input, ISink sink, SinkOptions options, TimeProvider time, RunReport report,
        Func<bool>? isAlone = null)
        : base(name)
    {
        (_input, _sink, _options, _time, _report, _isAlone) = (input, sink, options, time, report, isAlone);
        sink.Report = new Reporter(name, report);
        _retry = options.RetryFor > TimeSpan.Zero ? Retry(() => time.GetElapsedTime(_since) < options.RetryFor) : ResiliencePipeline.Empty;
        _retryForEver = Retry(() => true);
    }

    public override string Description => _sink.Description;

    /// <summary>Whether it is out, and it will not go better later.</summary>
    public bool IsOutForGood => _state == SinkState.Out && _isFinal;

    internal override async ValueTask OpenAsync(CancellationToken cancellation)
    {
        await _sink.OpenAsync(cancellation).ConfigureAwait(false);
        _report.SinkBegins(Name, this);
    }

    internal override ValueTask CloseAsync() => _sink.DisposeAsync();

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await _input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_checkpoints.Count < MostCheckpoints && _input.TryRead(out var record))
            {
                if (record is StreamCheckpoint checkpoint)
                {
                    _checkpoints.Add(checkpoint);
                    continue;
                }

                if (!await TryAsync(static (x, c) => x.Sink.WriteAsync(
                    x.Record!, c), record, IDelivery.Of(record) is not null, cancellation).ConfigureAwait(false))
                    Miss();
                else if (record.Captured != 0 && record is SoundEvent)
                    _report.Published(record.Model, _time.GetElapsedTime(record.Captured));
            }

            await TryAsync(static (x, c) => x.Sink.FlushAsync(c), null, _checkpoints.Count > 0, cancellation).ConfigureAwait(false);
            foreach (var checkpoint in _checkpoints)
                checkpoint.Done();
            _checkpoints.Clear();
        }

        _lastTry = 0; // the last chance is taken
        await TryAsync(static (x, c) => x.Sink.CompleteAsync(c), null, isNeeded: false, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Tries an operation, again and again where it fails. False where the sink is out, and it was given up or not tried at all.
    /// </summary>
    private async ValueTask<bool> TryAsync(
        Func<(ISink Sink, StreamRecord? Record), CancellationToken, ValueTask> write, StreamRecord? record, bool isNeeded,
            CancellationToken cancellation)
    {
        if (_state == SinkState.Out && !isNeeded && _lastTry != 0 && _time.GetElapsedTime(_lastTry) < _delay)
            return false;
        _since = _time.GetTimestamp();
        var retry = isNeeded && !_options.StopsRun ? _retryForEver : _state == SinkState.Out ? ResiliencePipeline.Empty : _retry;
        try
        {
            await retry.ExecuteAsync(
                static (x, c) => x.write((x._sink, x.record), c), (write, _sink, record), cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (!_options.StopsRun && !cancellation.IsCancellationRequested && e is not ChannelClosedException)
        {
            GoOut(e);
            return false;
        }

        if (_state == SinkState.Out && (record is not null || !_hasTaken))
        {
            _hasTaken = record is not null;
            return true;
        }

        if (_state != SinkState.Well)
            _report.SinkRecovers(Name, _missed, this);
        (_state, _missed) = (SinkState.Well, 0);
        return true;
    }

    private void GoOut(Exception why)
    {
        _isFinal = why is SinkException { IsTransient: false };
        _delay = _state == SinkState.Out ? TimeSpan.FromTicks(Math.Min(s_longestDelay.Ticks, _delay.Ticks * 2)) : _options.RetryDelay;
        _lastTry = _time.GetTimestamp();
        var isNews = _state != SinkState.Out;
        (_state, _hasTaken) = (SinkState.Out, false);
        if (isNews)
            _report.SinkIsOut(Name, why.Message.ReplaceLineEndings(" "), this);

        // A run that writes to nobody any more is over.
        if (_isFinal && _isAlone?.Invoke() == true)
            throw why;
    }

    private void Miss()
    {
        _missed++;
        _report.SinkDrops(Name, isTold: false);
    }

    private ResiliencePipeline Retry(
        Func<bool> goesOn) => new ResiliencePipelineBuilder { TimeProvider = _time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = arguments => ValueTask.FromResult(
                arguments.Outcome.Exception is SinkException { IsTransient: true } && goesOn()),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = _options.RetryDelay,
            MaxDelay = s_longestDelay,
            OnRetry = arguments =>
            {
                if (_state == SinkState.Well)
                {
                    _report.SinkFails(Name, arguments.Outcome.Exception!.Message, _options.RetryFor, this);
                    _state = SinkState.Failing;
                }

                _report.SinkRetries(Name);
                return ValueTask.CompletedTask;
            },
        }).Build();

    private sealed class Reporter(string sink, RunReport report) : ISinkReport
    {
        public IEnumerable<SourceHealth> Sources => report.Health;

        public void Warn(string message) => report.Warn(sink, message);

        public void Note(string message) => report.Note(sink, message);

        public void Waits() => report.SinkWaits();

        public void Drop(long records, string? why) => report.SinkDrops(sink, records, why: why);
    }
}
