using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>What people said of a station's events, for a model to learn from.</summary>
/// <param name="Events">Those whose sound is there.</param>
/// <param name="WithoutSound">How many more were judged whose clip is gone, or never was.</param>
/// <param name="Unreviewed">Of those that nobody has judged the latest 5,000, as far as their sound is there.</param>
/// <param name="Waiting">Of each label how many events with sound nobody has judged.</param>
/// <param name="Lowest">Of each label the lowest score that it was reported with, 0 to 1.</param>
public sealed record ReviewedEvents(
    IReadOnlyList<ReviewedEvent> Events, int WithoutSound, IReadOnlyList<ReviewedEvent> Unreviewed,
    IReadOnlyDictionary<string, int> Waiting, IReadOnlyDictionary<string, double> Lowest)
{
    private const int MostUnreviewed = 5_000;

    /// <summary>Reads a station's folder; a run may write to it meanwhile.</summary>
    /// <exception cref="StoreException">There is no store, or it can't be read.</exception>
    public static ReviewedEvents Read(string station)
    {
        var store = Path.Combine(station, StoreFile.Name);
        var folder = Path.GetFullPath(Path.Combine(station, ClipFolder.Name));
        using var reader = StoreReader.Open(store);
        using var clips = ClipReader.Open(store);
        var (events, without) = (new List<ReviewedEvent>(), 0);
        var latest = new Queue<StoredEvent>(); // that nobody has judged
        var waiting = new Dictionary<string, int>(StringComparer.Ordinal);
        var lowest = new Dictionary<string, double>(StringComparer.Ordinal);
        ReviewedEvent? Placed(StoredEvent stored, string label, string? heard)
        {
            if (stored.Clip is not { } id || clips.Find(id) is not { } clip || ClipFolder.Existing(folder, clip.File) is not { } file)
                return null;
            var (e, start) = (stored.Event, (double)clip.Start / clip.SampleRate);
            return new ReviewedEvent(label, heard, e.Stream, stored.Time, file, e.Onset - start, e.Offset - start);
        }

        foreach (var stored in reader.Events(new EventQuery()))
        {
            var reported = stored.Event.Label;
            if (!IsUnusual(reported))
                lowest[reported] = Math.Min(lowest.GetValueOrDefault(reported, 1), stored.Event.Score);
            if (IsUnusual(stored.Label))
                continue; // that it was unusual, or was not, names no sound; another label does
            if (stored.Review is { Verdict: not ReviewVerdict.Withdrawn } review)
            {
                var heard = review.Verdict == ReviewVerdict.Wrong ? null : stored.Label;
                if (Placed(stored, IsUnusual(reported) ? stored.Label : reported, heard) is { } placed)
                    events.Add(placed);
                else
                    without++;
            }
            else if (stored.Clip is not null)
            {
                waiting[reported] = waiting.GetValueOrDefault(reported) + 1;
                latest.Enqueue(stored);
                if (latest.Count > MostUnreviewed)
                    latest.Dequeue();
            }
        }

        List<ReviewedEvent> unreviewed = [.. latest.Select(e => Placed(e, e.Event.Label, null)).OfType<ReviewedEvent>()];
        return new ReviewedEvents(events, without, unreviewed, waiting, lowest);
    }

    private static bool IsUnusual(string label) => label == UnusualDecoder.Label;
}
