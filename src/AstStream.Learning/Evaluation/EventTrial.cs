using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Learning.Evaluation;

/// <summary>
/// Runs a pipeline without its sinks, and keeps the events of each stream, and the scores that they were made of.
/// </summary>
public sealed class EventTrial : ISink
{
    private readonly List<TimedLabel> _events = [];
    private readonly Dictionary<string, double> _opened = new(StringComparer.Ordinal); // by id, of events that are not closed
    private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<DecodeTape> _tapes = [];
    private readonly TapeBudget _budget = new(1L << 30);

    /// <summary>The closed events; their file is the stream.</summary>
    public IReadOnlyList<TimedLabel> Events => _events;

    /// <summary>Seconds of sound, by stream.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    string ISink.Description => "kept for comparison";

    /// <summary>Whether all scores were kept; hundreds of hours have too many.</summary>
    public bool CanReplay => !_budget.IsOver;

    /// <summary>A host whose pipelines this trial can run.</summary>
    public PipelineHost Hear(PipelineHost host) => host with { DecoderTap = Tap };

    /// <summary>Runs a pipeline to its end.</summary>
    /// <param name="pipeline">One that was loaded for the host of <see cref="Hear"/>; its sinks get nothing.</param>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end.</param>
    public async Task RunAsync(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        pipeline.ReplaceSinks(this, new SinkOptions { Coverage = true, StopsRun = true });
        await pipeline.Build(report, stop).RunAsync(stop).ConfigureAwait(false);
    }

    /// <summary>The events that one threshold for all labels would have given.</summary>
    /// <exception cref="InvalidOperationException">Not all scores were kept.</exception>
    public IReadOnlyList<TimedLabel> Replay(double threshold) => CanReplay ? [.. _tapes.SelectMany(t => t.Replay((float)threshold))]
        : throw new InvalidOperationException("not all scores were kept");

    private DecodeTape Tap(string stream, IReadOnlyList<string> labels, IEventDecoder decoder)
    {
        var tape = new DecodeTape(stream, labels, decoder, _budget);
        _tapes.Add(tape);
        return tape;
    }

    ValueTask ISink.OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    ValueTask ISink.WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is SoundEvent { State: EventState.Opened } opened)
            _opened[opened.Id] = opened.Decided;
        else if (record is SoundEvent { State: EventState.Closed } e)
            _events.Add(
                new TimedLabel(e.Stream.Id, e.Label, e.Onset, e.Offset) { Opened = _opened.Remove(e.Id, out var at) ? at : null });
        else if (record is CoverageInterval interval)
            _seconds[interval.Stream.Id] = Math.Max(_seconds.GetValueOrDefault(interval.Stream.Id), ModelTime.Seconds(interval.End));
        return ValueTask.CompletedTask;
    }

    ValueTask ISink.FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;
}
