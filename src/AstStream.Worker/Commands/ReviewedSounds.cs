using System.Text;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Station.Clips;
using AstStream.Station.Store;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>What people said of a station's events, as clips to learn from.</summary>
internal static class ReviewedSounds
{
    private const int Good = 20; // right ones of a label
    private const int MostShown = 10;

    /// <summary>Cuts each reviewed event out of its clip.</summary>
    /// <param name="station">The station's folder.</param>
    /// <param name="pieces">Gets the pieces.</param>
    /// <param name="seconds">The length of a model's window.</param>
    /// <param name="nothing">The label of what is nothing.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="InvalidTrainingException">It is no station, or nobody has reviewed anything whose sound is there.</exception>
    public static async Task<IReadOnlyList<LabelledClip>> CutAsync(
        string station, Pieces pieces, double seconds, string nothing, CancellationToken stop)
    {
        var reviewed = Read(station);
        if (reviewed.WithoutSound > 0)
            Errors.Note($"{reviewed.WithoutSound} reviewed events have no clip (any more), and can't be learnt from");
        if (reviewed.Events.Count == 0)
            throw new InvalidTrainingException(
                $"{station}: has no reviewed event with sound; judge some on the page, or with aststream review, right and wrong ones "
                    + "(of unusual ones those that were given another label)");
        Show(reviewed);
        var few = reviewed.Events.Where(e => e.Heard is not null).GroupBy(e => e.Heard!, StringComparer.Ordinal)
            .Where(g => g.Select(RecordingOf).Distinct().Count() < TrainingSet.FewestRecordings).Select(g => g.Key).ToList();
        if (few.Count > 0)
            Errors.Note($"not learnt yet, as their right events are of one stream's day alone: {string.Join(", ", few)}");
        var byFile = reviewed.Events.ToLookup(e => e.File, StringComparer.Ordinal);
        var clips = new List<LabelledClip>();
        using var progress = new ProgressLine("cutting", reviewed.Events.Count);
        foreach (var one in reviewed.Events)
        {
            progress.Step();
            if (one.Heard is { } heard && few.Contains(heard))
                continue;
            if (await Pieces.ReadAsync(one.File, one.Offset + seconds, progress, stop).ConfigureAwait(false) is not { } samples)
                continue;
            var length = (int)(seconds * FbankOptions.SampleRate);
            var middle = (int)((one.Onset + Math.Min(one.Offset, one.Onset + seconds)) / 2 * FbankOptions.SampleRate);
            var from = Math.Clamp(middle - (length / 2), 0, Math.Max(0, samples.Length - length));
            var begin = (double)from / FbankOptions.SampleRate;
            clips.Add(pieces.Write(
                one.File, begin, samples.AsSpan(from, Math.Min(length, samples.Length - from)),
                Labels(byFile[one.File], begin, begin + seconds, few, nothing), RecordingOf(one)));
        }

        return clips;
    }

    /// <summary>All that people heard in a piece of a clip, which events share that overlap; nothing, where they heard nothing.</summary>
    private static string[] Labels(IEnumerable<ReviewedEvent> inClip, double begin, double end, List<string> few, string nothing)
    {
        string[] labels =
        [
            .. inClip.Where(e => e.Onset < end && e.Offset > begin).Select(e => e.Heard).OfType<string>().Except(few),
        ];
        return labels.Length > 0 ? labels : [nothing];
    }

    private static string RecordingOf(ReviewedEvent one) => $"{one.Stream.Id} {one.Time.UtcDateTime:yyyy-MM-dd}";

    private static ReviewedEvents Read(string station)
    {
        try
        {
            return ReviewedEvents.Read(station);
        }
        catch (StoreException e)
        {
            throw new InvalidTrainingException($"--from-reviews {station}: {e.Message}");
        }
    }

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
            var waiting = reviewed.Unreviewed.GetValueOrDefault(label);
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
