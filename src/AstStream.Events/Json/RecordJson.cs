using System.Buffers;
using System.Text.Json;

namespace AstStream.Events.Json;

/// <summary>
/// A record as one JSON object, the same wherever it is written: JSON Lines, console, Kafka. schemas/ has what it is made of. Times are
/// seconds from the stream's start with four decimals; scores have four.
/// </summary>
public static class RecordJson
{
    private static readonly RecordContext s_context = new(
        new JsonSerializerOptions(RecordContext.Default.Options) { Encoder = JsonText.Encoder });

    /// <summary>Writes the object.</summary>
    /// <exception cref="ArgumentException">It is no record that is written as JSON.</exception>
    public static void Write(Utf8JsonWriter json, StreamRecord record)
    {
        switch (record)
        {
            case SoundEvent e:
                JsonSerializer.Serialize(json, Data(e), s_context.EventData);
                break;
            case CoverageInterval c:
                JsonSerializer.Serialize(json, Data(c), s_context.CoverageData);
                break;
            case ScoreFrame f:
                JsonSerializer.Serialize(json, Data(f), s_context.ScoresData);
                break;
            default:
                throw new ArgumentException($"a {record.GetType().Name} is no record that is written as JSON", nameof(record));
        }
    }

    /// <summary>Writes the object.</summary>
    public static void Write(IBufferWriter<byte> output, StreamRecord record)
    {
        using var json = new Utf8JsonWriter(output, JsonText.Options);
        Write(json, record);
    }

    /// <summary>Writes a review's object.</summary>
    public static void Write(Utf8JsonWriter json, Review review) => JsonSerializer.Serialize(
        json,
        new ReviewData
        {
            EventId = review.EventId,
            Verdict = review.Verdict.SnakeCase(),
            EventLabel = review.Label,
            By = review.By,
            Time = review.At.UtcDateTime,
        },
        s_context.ReviewData);

    private static EventData Data(SoundEvent e)
    {
        var origin = e.Stream.Partition;
        return new EventData
        {
            Id = e.Id,
            State = e.State.SnakeCase(),
            Source = e.Stream.Source,
            Stream = e.Stream.Id,
            Model = e.Model,
            EventLabel = e.Label,
            EventOnset = Rounded(e.Onset),
            EventOffset = Rounded(e.Offset),
            Score = Rounded(e.Score),
            MeanScore = Rounded(e.MeanScore),
            OnsetTime = e.Stream.TimeAt(e.Onset)?.UtcDateTime,
            ClockSynchronized = Doubt(e.Stream),
            Evidence = new EvidenceData
            {
                StartSample = (long)Math.Round(e.Onset * ModelTime.SampleRate),
                EndSample = (long)Math.Round(e.Offset * ModelTime.SampleRate),
                Topic = origin?.Topic,
                Partition = origin?.Number,
                FirstOffset = origin is null ? null : e.Origin.First,
                LastOffset = origin is null ? null : e.Origin.Last,
                Model = e.Model,
                ModelHash = e.HeardBy?.Hash,
                Precision = e.HeardBy?.Precision,
                Provider = e.HeardBy?.Provider,
            },
        };
    }

    private static ScoresData Data(ScoreFrame f)
    {
        var scores = new Dictionary<string, decimal>(f.Labels.Count, StringComparer.Ordinal);
        for (var i = 0; i < f.Labels.Count; i++)
            scores[f.Labels[i]] = Rounded(f.Scores[i]);
        return new ScoresData
        {
            Source = f.Stream.Source,
            Stream = f.Stream.Id,
            Start = Rounded(ModelTime.Seconds(f.Start)),
            End = Rounded(ModelTime.Seconds(f.End)),
            StartSample = f.Start,
            EndSample = f.End,
            StartTime = f.Stream.TimeAt(ModelTime.Seconds(f.Start))?.UtcDateTime,
            ClockSynchronized = Doubt(f.Stream),
            Scores = scores,
            Model = f.Model,
            ModelHash = f.HeardBy?.Hash,
            Precision = f.HeardBy?.Precision,
            Provider = f.HeardBy?.Provider,
        };
    }

    private static CoverageData Data(CoverageInterval c) => new()
    {
        Coverage = c.State.SnakeCase(),
        Reason = c.State == CoverageState.Lost ? c.Reason.SnakeCase() : null,
        Source = c.Stream.Source,
        Stream = c.Stream.Id,
        Model = c.Model,
        Start = Rounded(ModelTime.Seconds(c.Start)),
        End = Rounded(ModelTime.Seconds(c.End)),
        StartSample = c.Start,
        EndSample = c.End,
        EffectiveHop = c.State == CoverageState.Analysed ? Rounded(c.EffectiveHop) : null,
        ModelHash = c.ModelHash,
        SourceState = c.Source?.SnakeCase(),
        StartTime = c.Stream.TimeAt(ModelTime.Seconds(c.Start))?.UtcDateTime,
        ClockSynchronized = Doubt(c.Stream),
    };

    /// <summary>Said only where the times of a stream are not to be relied on.</summary>
    private static bool? Doubt(StreamIdentity stream) => stream.StartTime is not null && !stream.IsClockGood ? false : null;

    /// <summary>Seconds and scores as records write them.</summary>
    private static decimal Rounded(double value) => Math.Round((decimal)value, 4);
}
