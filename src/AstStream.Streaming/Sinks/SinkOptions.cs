using System.IO.Enumeration;
using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Sinks;

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

    /// <summary>
    /// Whether it gets the events and coverage of models that score in the shadow of others, too; false by default, as these are published
    /// nowhere.
    /// </summary>
    public bool Shadows { get; init; }

    /// <summary>Whether it gets the sound itself; false by default.</summary>
    public bool Audio { get; init; }

    /// <summary>Records that may wait for it, 1 to 1,000,000; 1,000 by default.</summary>
    public int Buffer { get; init; } = 1000;

    /// <summary>
    /// Whether everything before it waits when that many wait, or records are dropped; null, the default, is for a sink to decide, and
    /// holds everything up.
    /// </summary>
    public bool? Waits { get; init; }

    /// <summary>How long a write that fails is tried again before the sink is out; 1 minute by default.</summary>
    public TimeSpan RetryFor { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether a sink that is out ends the run; false, the default, goes on without it and tries it now and then.</summary>
    public bool StopsRun { get; init; }

    /// <summary>The wait before the second try; it doubles up to half a minute. 200 ms by default.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether the sink gets a record.</summary>
    public bool Accepts(StreamRecord record) =>
        (Shadows || record.ShadowOf is null)
        && (Models is null || record is AudioRecord || Models.Contains(record.Model))
        && (Streams is null || Streams.Any(s => FileSystemName.MatchesSimpleExpression(s, record.Stream.Id, ignoreCase: false)))
        && record switch
        {
            SoundEvent e => Events && e.Score >= MinScore && (Labels is null || Labels.Contains(e.Label)),
            CoverageInterval => Coverage,
            ScoreFrame => Scores,
            AudioRecord => Audio,
            _ => false,
        };
}
