using AstStream.Events;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Learning.Evaluation;

/// <summary>Runs a pipeline without its sinks, and keeps the events of each stream.</summary>
public sealed class EventTrial : ISink
{
    private readonly List<TimedLabel> _events = [];
    private readonly Dictionary<string, double> _opened = new(StringComparer.Ordinal); // by id, of events that are not closed
    private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);

    private EventTrial()
    {
    }

    /// <summary>The closed events; their file is the stream.</summary>
    public IReadOnlyList<TimedLabel> Events => _events;

    /// <summary>Seconds of sound, by stream.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    string ISink.Description => "kept for comparison";

    /// <summary>Runs the pipeline to its end.</summary>
    /// <param name="pipeline">The pipeline; its sinks get nothing.</param>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end.</param>
    public static async Task<EventTrial> RunAsync(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        var trial = new EventTrial();
        pipeline.ReplaceSinks(trial, new SinkOptions { Coverage = true, StopsRun = true });
        await pipeline.Build(report, stop).RunAsync(stop).ConfigureAwait(false);
        return trial;
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
