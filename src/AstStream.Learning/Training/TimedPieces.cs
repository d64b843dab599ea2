using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>
/// Cuts a recording in which it is known what sounds when into pieces to learn from: each sound alone, as a pipeline that confirms segments
/// hears it; each sound at some place of a window; both ends of a sound that is longer than half a window; and what is between them.
/// </summary>
public static class TimedPieces
{
    /// <summary>Seconds of a sound, or all of it where it is shorter, that must be in a piece to be heard in it.</summary>
    public const double LeastHeard = 0.2;

    private const double Alone = 0.8; // of a window: a longer sound fills one by itself
    private const double Short = 0.1; // seconds: nothing is learnt from what is shorter alone
    private const double Apart = 0.25; // seconds between a sound and what is nothing
    private const double LeastNothing = 1; // seconds
    private const int MostNothing = 10; // of a recording in which nothing sounds

    /// <summary>Cuts a recording.</summary>
    /// <param name="events">What sounds in it.</param>
    /// <param name="length">Its length, in seconds.</param>
    /// <param name="window">The length of a model's window, in seconds.</param>
    /// <param name="seed">What places sounds in windows: the same cuts the same.</param>
    public static IReadOnlyList<TimedPiece> Of(IReadOnlyList<TimedLabel> events, double length, double window, ulong seed)
    {
        List<TimedLabel> there = [.. events.Where(e => e.Onset < length).Select(e => e with { Offset = Math.Min(e.Offset, length) })
            .OrderBy(e => e.Onset).ThenBy(e => e.Offset)];
        var inside = there.Where(e => e.Offset > e.Onset).ToList(); // a point says that something is there, not how long
        var pieces = new List<TimedPiece>();
        foreach (var (i, e) in inside.Index())
        {
            var duration = e.Offset - e.Onset;
            var random = new CountedRandom(seed, i, 0);
            if (duration >= Short && duration < Alone * window)
                pieces.Add(Piece(inside, e.Onset, e.Offset));
            double[] middles = duration <= window / 2 ? [(e.Onset + e.Offset) / 2] : [e.Onset, e.Offset];
            foreach (var middle in middles)
            {
                var begin = Math.Clamp(middle - random.Between(0.15 * window, 0.85 * window), 0, Math.Max(0, length - window));
                pieces.Add(Piece(inside, begin, Math.Min(length, begin + window)));
            }
        }

        var most = inside.Count == 0 ? MostNothing : inside.Count;
        List<TimedPiece> nothing = [.. Between(there, length, window).Select(n => new TimedPiece(n.Begin, n.End, [], []))];
        return [.. pieces, .. Enumerable.Range(0, Math.Min(most, nothing.Count)).Select(
            i => nothing[(int)((long)i * nothing.Count / Math.Min(most, nothing.Count))])];
    }

    private static TimedPiece Piece(List<TimedLabel> events, double begin, double end)
    {
        List<TimedLabel> times = [.. events.Where(e => e.Onset < end && e.Offset > begin)
            .Select(e => e with { Onset = Math.Max(e.Onset, begin) - begin, Offset = Math.Min(e.Offset, end) - begin })];
        var heard = events.Where(
            e => Math.Min(e.Offset, end) - Math.Max(e.Onset, begin) is var part && part >= Math.Min(LeastHeard, e.Offset - e.Onset));
        return new TimedPiece(begin, end, [.. heard.Select(e => e.Label).Distinct()], times);
    }

    /// <summary>Pieces in which nothing sounds, in their order.</summary>
    private static IEnumerable<(double Begin, double End)> Between(List<TimedLabel> events, double length, double window)
    {
        var from = 0.0;
        foreach (var (onset, offset) in events.Select(e => (e.Onset - Apart, e.Offset + Apart)).Append((length, length)))
        {
            var end = Math.Min(onset, length);
            for (var begin = from; end - begin >= LeastNothing; begin += window)
                yield return (begin, Math.Min(begin + window, end));
            from = Math.Max(from, offset);
        }
    }
}
