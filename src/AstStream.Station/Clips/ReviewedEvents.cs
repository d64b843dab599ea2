using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>What people said of a station's events, for a model to learn from.</summary>
/// <param name="Events">Those whose sound is there.</param>
/// <param name="WithoutSound">How many more were judged whose clip is gone, or never was.</param>
/// <param name="Unreviewed">Of each label how many events with sound nobody has judged.</param>
public sealed record ReviewedEvents(
    IReadOnlyList<ReviewedEvent> Events, int WithoutSound, IReadOnlyDictionary<string, int> Unreviewed)
{
    /// <summary>Reads a station's folder; a run may write to it meanwhile.</summary>
    /// <exception cref="StoreException">There is no store, or it can't be read.</exception>
    public static ReviewedEvents Read(string station)
    {
        var store = Path.Combine(station, StoreFile.Name);
        var folder = Path.GetFullPath(Path.Combine(station, ClipFolder.Name));
        using var reader = StoreReader.Open(store);
        using var clips = ClipReader.Open(store);
        var (events, without, unreviewed) = (new List<ReviewedEvent>(), 0, new Dictionary<string, int>(StringComparer.Ordinal));
        foreach (var stored in reader.Events(new EventQuery()))
        {
            if (stored.Review is not { Verdict: not ReviewVerdict.Withdrawn } review)
            {
                if (stored.Clip is not null && !IsUnusual(stored.Label))
                    unreviewed[stored.Event.Label] = unreviewed.GetValueOrDefault(stored.Event.Label) + 1;
                continue;
            }

            if (IsUnusual(stored.Label))
                continue; // that it was unusual, or was not, names no sound; another label does
            if (stored.Clip is { } id && clips.Find(id) is { } clip && ClipFolder.Existing(folder, clip.File) is { } file)
            {
                var start = (double)clip.Start / clip.SampleRate;
                events.Add(new ReviewedEvent(
                    IsUnusual(stored.Event.Label) ? stored.Label : stored.Event.Label,
                    review.Verdict == ReviewVerdict.Wrong ? null : stored.Label, stored.Event.Stream, stored.Time, file,
                    stored.Event.Onset - start, stored.Event.Offset - start));
            }
            else
            {
                without++;
            }
        }

        return new ReviewedEvents(events, without, unreviewed);
    }

    private static bool IsUnusual(string label) => label == UnusualDecoder.Label;
}
