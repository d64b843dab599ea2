using System.Text;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Station.Clips;
using AstStream.Station.Store;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>What people said of a station's events, as clips to learn from.</summary>
/// <param name="reviewed">The events.</param>
/// <param name="pieces">Gets the pieces.</param>
/// <param name="seconds">The length of a model's window.</param>
/// <param name="nothing">The label of what is nothing.</param>
internal sealed class ReviewedSounds(ReviewedEvents reviewed, Pieces pieces, double seconds, string nothing)
{
    private const int Good = 20; // right ones of a label
    private const int MostShown = 10;
    private const int MostUnreviewed = 500; // the latest events that nobody has judged

    private readonly ILookup<string, ReviewedEvent> _byFile =
        reviewed.Events.Concat(reviewed.Unreviewed).ToLookup(e => e.File, StringComparer.Ordinal);

    private readonly HashSet<ReviewedEvent> _judged = [.. reviewed.Events];

    /// <summary>Reads a station's folder, and shows what there is.</summary>
    /// <exception cref="InvalidTrainingException">It is no station, or nobody has reviewed anything whose sound is there.</exception>
    public static ReviewedEvents Read(string station)
    {
        ReviewedEvents reviewed;
        try
        {
            reviewed = ReviewedEvents.Read(station);
        }
        catch (StoreException e)
        {
            throw new InvalidTrainingException($"--from-reviews {station}: {e.Message}");
        }

        if (reviewed.WithoutSound > 0)
            Errors.Note($"{reviewed.WithoutSound} reviewed events have no clip (any more), and can't be learnt from");
        if (reviewed.Events.Count == 0)
            throw new InvalidTrainingException(
                $"{station}: has no reviewed event with sound; judge some on the page, or with aststream review, right and wrong ones "
                    + "(of unusual ones those that were given another label)");
        Show(reviewed);
        return reviewed;
    }

    /// <summary>Cuts each reviewed event out of its clip, a window long, with all that people heard in it.</summary>
    /// <param name="stop">Gives up.</param>
    public Task<IReadOnlyList<LabelledClip>> CutAsync(CancellationToken stop)
    {
        var few = Few([]);
        return CutAsync(reviewed.Events, few, (one, samples) => Around(one, samples, few), stop);
    }

    /// <summary>
    /// Cuts each event out of its clip as a run scores it: alone, and a window with it. A review says whether one label is there, and
    /// nothing of the others; events that nobody has judged are cut, too, so that what is learnt leaves their scores as they are.
    /// </summary>
    /// <param name="known">The base's labels.</param>
    /// <param name="stop">Gives up.</param>
    public Task<IReadOnlyList<LabelledClip>> CutAloneAsync(IReadOnlyCollection<string> known, CancellationToken stop)
    {
        var few = Few(known);
        var unreviewed = reviewed.Unreviewed.Where(one => !JudgedIn(one).Any()).OrderByDescending(e => e.Time).Take(MostUnreviewed);
        return CutAsync([.. reviewed.Events, .. unreviewed], few, (one, samples) => Alone(one, samples, few), stop);
    }

    /// <summary>
    /// The least threshold of each label of the base that people judged. Nobody knows what is under the score from which on the site
    /// reported: where it reported with less than the base's own thresholds, the lowest score that anything was reported with, and else
    /// these.
    /// </summary>
    /// <param name="known">The base's labels.</param>
    /// <param name="own">The base's own threshold of a label; null where it has none.</param>
    public IReadOnlyDictionary<string, double> LeastThresholds(IReadOnlyCollection<string> known, Func<string, double?> own)
    {
        const double rounded = 1e-3;
        var lowest = reviewed.Lowest.Values.DefaultIfEmpty().Min();
        var isBelow = reviewed.Lowest.Any(l => own(l.Key) is not { } least || l.Value < least - rounded);
        return reviewed.Events.SelectMany(e => (string?[])[e.Label, e.Heard]).OfType<string>().Intersect(known).ToDictionary(
            label => label, label => isBelow ? lowest : own(label) ?? lowest, StringComparer.Ordinal);
    }

    private async Task<IReadOnlyList<LabelledClip>> CutAsync(
        IReadOnlyList<ReviewedEvent> events, IReadOnlyCollection<string> few, Func<ReviewedEvent, float[], LabelledClip?> cut,
        CancellationToken stop)
    {
        var clips = new List<LabelledClip>();
        using var progress = new ProgressLine("cutting", events.Count);
        foreach (var one in events)
        {
            progress.Step();
            if (one.Heard is { } heard && few.Contains(heard))
                continue;
            if (await Pieces.ReadAsync(one.File, one.Offset + seconds, progress, stop).ConfigureAwait(false) is { } samples
                && cut(one, samples) is { } clip)
                clips.Add(clip);
        }

        return clips;
    }

    /// <summary>Labels that are not learnt yet: the base has not got them, and their right events are of one recording.</summary>
    private List<string> Few(IReadOnlyCollection<string> known)
    {
        var few = reviewed.Events.Where(e => e.Heard is not null && !known.Contains(e.Heard)).GroupBy(e => e.Heard!, StringComparer.Ordinal)
            .Where(g => g.Select(RecordingOf).Distinct().Count() < TrainingSet.FewestRecordings).Select(g => g.Key).ToList();
        if (few.Count > 0)
            Errors.Note($"not learnt yet, as their right events are of one stream's day alone: {string.Join(", ", few)}");
        return few;
    }

    private LabelledClip? Around(ReviewedEvent one, float[] samples, IReadOnlyCollection<string> few)
    {
        var begin = Begin(one, samples);
        var heard = _byFile[one.File].Where(e => IsIn(e, begin, begin + seconds)).Select(e => e.Heard).OfType<string>().Except(few);
        return Write(one, samples, begin, begin + seconds, [.. heard]);
    }

    private LabelledClip? Alone(ReviewedEvent one, float[] samples, IReadOnlyCollection<string> few)
    {
        // As what sounds is scored alone: from a column before it to one after it.
        var column = NoiseFloor.ColumnFrames * FbankOptions.FrameTime.TotalSeconds;
        var begin = Math.Max(0, one.Onset - column);
        List<ReviewedEvent> there = [.. JudgedIn(one)];
        List<string> heard = [.. there.Select(e => e.Heard).OfType<string>().Except(few).Distinct()];
        List<string> judged = [.. there.Select(e => e.Label).Concat(heard).Except(few).Distinct()];
        if (Write(one, samples, begin, Math.Min(one.Offset + column, begin + seconds), heard) is not { } clip)
            return null;
        clip = clip with { Labels = judged.Count > 0 && heard.Count == 0 ? [nothing] : heard, Judged = judged };

        // What is not in the event may be in what is around it.
        var around = Begin(one, samples);
        var others = _byFile[one.File].Where(e => IsIn(e, around, around + seconds) && !IsIn(e, one.Onset, one.Offset))
            .Where(e => !_judged.Contains(e) || e.Heard is not null).SelectMany(e => (string?[])[e.Label, e.Heard]);
        return others.Intersect(judged.Except(heard)).Any() ? clip
            : clip with { Around = Write(one, samples, around, around + seconds, heard)?.Path };
    }

    /// <summary>What people judged while an event sounds, itself too.</summary>
    private IEnumerable<ReviewedEvent> JudgedIn(ReviewedEvent one) =>
        _byFile[one.File].Where(e => _judged.Contains(e) && IsIn(e, one.Onset, one.Offset));

    private static bool IsIn(ReviewedEvent one, double begin, double end) => one.Onset < end && one.Offset > begin;

    /// <summary>Where a window begins in whose middle an event is, as far as its clip goes; in seconds.</summary>
    private double Begin(ReviewedEvent one, float[] samples)
    {
        var middle = (one.Onset + Math.Min(one.Offset, one.Onset + seconds)) / 2;
        return Math.Clamp(middle - (seconds / 2), 0, Math.Max(0, ((double)samples.Length / FbankOptions.SampleRate) - seconds));
    }

    /// <summary>A piece of a clip as a file; null where there is less of it than a frame.</summary>
    private LabelledClip? Write(ReviewedEvent one, float[] samples, double begin, double end, List<string> heard)
    {
        var from = Math.Clamp((int)(begin * FbankOptions.SampleRate), 0, samples.Length);
        var to = Math.Clamp((int)(end * FbankOptions.SampleRate), from, samples.Length);
        return to - from < FbankOptions.NumSamples(1) ? null
            : pieces.Write(one.File, begin, samples.AsSpan(from, to - from), heard.Count > 0 ? heard : [nothing], RecordingOf(one));
    }

    private static string RecordingOf(ReviewedEvent one) => $"{one.Stream.Id} {one.Time.UtcDateTime:yyyy-MM-dd}";

    /// <summary>What there is, and which reviews would help most.</summary>
    private static void Show(ReviewedEvents reviewed)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("label", "right", "wrong", "streams and days", "not judged");
        var wanted = new List<(string Label, int Missing, int Waiting)>();
        var labels = reviewed.Events.SelectMany(e => (string?[])[e.Label, e.Heard]).OfType<string>();
        foreach (var label in labels.Distinct().Order(StringComparer.Ordinal))
        {
            var right = reviewed.Events.Where(e => e.Heard == label).ToList();
            var wrong = reviewed.Events.Count(e => e.Label == label && e.Heard != label);
            var days = right.Select(RecordingOf).Distinct().Count();
            var waiting = reviewed.Waiting.GetValueOrDefault(label);
            table.AddRow(Terminal.Cell(label), $"{right.Count}", $"{wrong}", $"{days}", $"{waiting}");
            if (Math.Max(Good - right.Count, Good - wrong) is > 0 and var missing)
                wanted.Add((label, missing, waiting));
        }

        Terminal.Table(table);
        if (wanted.Count == 0)
            return;
        var text = new StringBuilder("More reviews would help, right and wrong ones, of other days: ");
        text.AppendJoin(", ", wanted.OrderByDescending(w => Math.Min(w.Missing, w.Waiting)).Take(MostShown)
            .Select(w => $"{w.Label} ({w.Missing})"));
        Terminal.Status(text.ToString());
    }
}
