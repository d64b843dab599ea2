using Polly;
using Polly.Retry;

namespace AstStream.Streaming;

/// <summary>Where records go: events, and coverage, scores and sound where they are asked for. Called by one thread at a time.</summary>
public interface ISink : IAsyncDisposable
{
    /// <summary>Where it writes, in a few words.</summary>
    string Description { get; }

    /// <summary>Takes what the sink says of troubles that it mends by itself; by default it has nothing to say. Set before it is opened.</summary>
    Action<string> Warn
    {
        set
        {
        }
    }

    /// <summary>Opens it before the run; an exception says what is wrong and stops the run before it starts.</summary>
    ValueTask OpenAsync(CancellationToken cancellation);

    /// <summary>Takes a record. After an exception it has not taken it: the same record may be offered again.</summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation);

    /// <summary>
    /// No record waits at the moment: a good time to flush. What was taken of streams that somebody answers for (<see cref="StreamInfo.Delivery"/>) is
    /// safe when it returns. After an exception it may be called again.
    /// </summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask FlushAsync(CancellationToken cancellation);

    /// <summary>No record will come any more: all that was taken is safe when it returns. After an exception it may be called again.</summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask CompleteAsync(CancellationToken cancellation) => FlushAsync(cancellation);
}

/// <summary>A sink that can't write. The message says where, what happened and what to do.</summary>
public sealed class SinkException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    /// <param name="message">Where, what happened, what to do.</param>
    /// <param name="isTransient">Whether it may go better later: a full disk can be emptied, a closed pipe stays closed.</param>
    public SinkException(string message, bool isTransient = false)
        : base(message) => IsTransient = isTransient;

    /// <summary>Whether it may go better later.</summary>
    public bool IsTransient { get; }
}

/// <summary>What a sink gets, how much may wait for it, and what happens when it can't write.</summary>
public sealed record SinkOptions
{
    /// <summary>The models whose records it gets; null, the default, for all.</summary>
    public IReadOnlyList<string>? Models { get; init; }

    /// <summary>The labels of the events that it gets; null, the default, for all.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>The streams whose records it gets, by names or patterns with *; null, the default, for all.</summary>
    public IReadOnlyList<string>? Streams { get; init; }

    /// <summary>The least score of the events that it gets, 0 (the default) to 1.</summary>
    public double MinScore { get; init; }

    /// <summary>Whether it gets events; true by default.</summary>
    public bool Events { get; init; } = true;

    /// <summary>Whether it gets coverage; false by default.</summary>
    public bool Coverage { get; init; }

    /// <summary>Whether it gets the scores of every window; false by default.</summary>
    public bool Scores { get; init; }

    /// <summary>Whether it gets the sound itself; false by default.</summary>
    public bool Audio { get; init; }

    /// <summary>Records that may wait for it, 1 to 1,000,000; 1,000 by default.</summary>
    public int Buffer { get; init; } = 1000;

    /// <summary>Whether records are dropped when that many wait; false, the default, holds everything up.</summary>
    public bool DropsNewest { get; init; }

    /// <summary>How long a write that fails is tried again before the run fails; 1 minute by default.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The wait before the second try; it doubles up to half a minute. 200 ms by default.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether the sink gets a record.</summary>
    public bool Accepts(StreamRecord record) =>
        (Models is null || record is AudioRecord || Models.Contains(record.Model))
        && (Streams is null || Streams.Any(s => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(s, record.Stream.Id, ignoreCase: false)))
        && record switch
        {
            SoundEvent e => Events && e.Score >= MinScore && (Labels is null || Labels.Contains(e.Label)),
            CoverageInterval => Coverage,
            ScoreFrame => Scores,
            AudioRecord => Audio,
            _ => false,
        };
}

/// <summary>Writes records to a sink; a write that fails is tried again for as long as the options say.</summary>
internal sealed class SinkNode : Node
{
    private const int MostCheckpoints = 64; // before a flush, though records wait

    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    private readonly Edge<StreamRecord> _input;
    private readonly ISink _sink;
    private readonly TimeProvider _time;
    private readonly RunReport _report;
    private readonly ResiliencePipeline _retry;
    private readonly List<StreamCheckpoint> _checkpoints = []; // that wait for the next flush
    private bool _isFailing;
    private long _since; // when the operation that is under way began

    public SinkNode(string name, Edge<StreamRecord> input, ISink sink, SinkOptions options, TimeProvider time, RunReport report)
        : base(name)
    {
        (_input, _sink, _time, _report) = (input, sink, time, report);
        sink.Warn = message => report.Warn(name, message);
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.RetryFor > TimeSpan.Zero)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is SinkException { IsTransient: true } && time.GetElapsedTime(_since) < options.RetryFor),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.RetryDelay,
                MaxDelay = s_longestDelay,
                OnRetry = arguments =>
                {
                    if (!_isFailing)
                        report.SinkFails(Name, arguments.Outcome.Exception!.Message, options.RetryFor);
                    _isFailing = true;
                    report.SinkRetries(Name);
                    return ValueTask.CompletedTask;
                },
            });
        }

        _retry = builder.Build();
    }

    public override string Description => _sink.Description;

    internal override ValueTask OpenAsync(CancellationToken cancellation) => _sink.OpenAsync(cancellation);

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

                await TryAsync(static (x, c) => x.Sink.WriteAsync(x.Record!, c), record, cancellation).ConfigureAwait(false);
                if (record.Captured != 0 && record is SoundEvent)
                    _report.Published(record.Model, _time.GetElapsedTime(record.Captured));
            }

            await TryAsync(static (x, c) => x.Sink.FlushAsync(c), null, cancellation).ConfigureAwait(false);
            foreach (var checkpoint in _checkpoints)
                checkpoint.Done();
            _checkpoints.Clear();
        }

        await TryAsync(static (x, c) => x.Sink.CompleteAsync(c), null, cancellation).ConfigureAwait(false);
    }

    private async ValueTask TryAsync(Func<(ISink Sink, StreamRecord? Record), CancellationToken, ValueTask> write, StreamRecord? record, CancellationToken cancellation)
    {
        _since = _time.GetTimestamp();
        await _retry.ExecuteAsync(static (x, c) => x.write((x._sink, x.record), c), (write, _sink, record), cancellation).ConfigureAwait(false);
        if (_isFailing)
            _report.SinkRecovers(Name);
        _isFailing = false;
    }
}
