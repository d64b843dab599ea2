namespace AstStream.Events.Unusual;

/// <summary>
/// Finds the distance above which a stream comes as often as somebody wants, by what it would have been lately; two weeks are known. Time
/// is cut in pieces of five minutes, each with the greatest distance in it; pieces one after the other that are above are one alarm.
/// </summary>
public sealed class AlarmRate
{
    /// <summary>A piece of time.</summary>
    public static readonly TimeSpan Piece = TimeSpan.FromMinutes(5);

    /// <summary>The most time that it knows.</summary>
    public static readonly TimeSpan Longest = Most * Piece;

    private const int PiecesOfDay = 288;
    private const int Most = 14 * PiecesOfDay;
    private const float Margin = 1.02f; // above all that was heard, where that would be too often

    private readonly List<long> _pieces = []; // in their order
    private readonly List<float> _greatest = []; // of each

    /// <summary>How much time it knows.</summary>
    public TimeSpan Known => _pieces.Count * Piece;

    /// <summary>Takes a distance. Pieces of time that are later are forgotten: a clock was wrong.</summary>
    /// <param name="piece">The number of its piece of time.</param>
    /// <param name="distance">The distance.</param>
    public void Add(long piece, float distance)
    {
        while (_pieces.Count > 0 && _pieces[^1] > piece)
        {
            _pieces.RemoveAt(_pieces.Count - 1);
            _greatest.RemoveAt(_greatest.Count - 1);
        }

        if (_pieces.Count > 0 && _pieces[^1] == piece)
        {
            _greatest[^1] = Math.Max(_greatest[^1], distance);
            return;
        }

        _pieces.Add(piece);
        _greatest.Add(distance);
        if (_pieces.Count > Most)
        {
            _pieces.RemoveAt(0);
            _greatest.RemoveAt(0);
        }
    }

    /// <summary>The distance above which it would have been so many alarms a day; infinity where it knows nothing.</summary>
    /// <param name="aDay">Alarms a day, more than 0.</param>
    /// <param name="lately">How much of the latest time counts, a piece at least.</param>
    public float Threshold(double aDay, TimeSpan lately)
    {
        var count = (int)Math.Clamp(lately / Piece, Math.Min(1, _pieces.Count), _pieces.Count);
        if (count == 0)
            return float.PositiveInfinity;
        var allowed = aDay * count / PiecesOfDay;
        List<(long Piece, float Distance)> latest = [.. _pieces.Zip(_greatest).TakeLast(count).OrderByDescending(g => g.Second)];
        if (allowed < 1)
            return Beyond([.. latest.Select(l => l.Distance)], allowed);
        var above = new HashSet<long>();
        var (alarms, last) = (0, float.NaN);
        foreach (var (piece, distance) in latest)
        {
            alarms += 1 - (above.Contains(piece - 1) ? 1 : 0) - (above.Contains(piece + 1) ? 1 : 0);
            if (alarms > allowed)
                return (last + distance) / 2;
            above.Add(piece);
            last = distance;
        }

        return last; // all of it is one alarm, and that is not too often
    }

    /// <summary>
    /// A distance that comes less than once in the time that is known: what is far goes on as an exponential does, as excesses over high
    /// thresholds are about (Pickands 1975).
    /// </summary>
    /// <param name="distances">Those that are known, the greatest first.</param>
    /// <param name="allowed">How often it may come in that time.</param>
    private static float Beyond(float[] distances, double allowed)
    {
        var far = Math.Clamp(distances.Length / 4, 1, 50);
        var edge = distances[Math.Min(far, distances.Length - 1)];
        var excess = distances.Take(far).Average(d => d - edge);
        return Math.Max(distances[0] * Margin, edge + (float)(excess * Math.Log(far / allowed)));
    }

    /// <summary>Writes what it knows.</summary>
    public void Save(BinaryWriter output)
    {
        output.Write(_pieces.Count);
        foreach (var (piece, distance) in _pieces.Zip(_greatest))
        {
            output.Write(piece);
            output.Write(distance);
        }
    }

    /// <summary>Reads what another one wrote.</summary>
    /// <exception cref="InvalidDataException">There is something else.</exception>
    /// <exception cref="EndOfStreamException">There is not enough.</exception>
    public void Restore(BinaryReader input)
    {
        var count = input.ReadInt32();
        if (count is < 0 or > Most)
            throw new InvalidDataException($"found {count} pieces of time; expected 0 to {Most}");
        for (var i = 0; i < count; i++)
        {
            var (piece, distance) = (input.ReadInt64(), input.ReadSingle());
            if (!float.IsFinite(distance) || (i > 0 && piece <= _pieces[^1]))
                throw new InvalidDataException($"found the distance {distance} in piece {piece}; expected a finite one, in their order");
            _pieces.Add(piece);
            _greatest.Add(distance);
        }
    }
}
