namespace AstStream.Events.Unusual;

/// <summary>
/// Finds the distance above which a stream comes as often as somebody wants, by what it would have been lately; two weeks are known. Time
/// is cut in pieces of five minutes, each with the greatest distance in it; pieces one after the other that are above are one alarm.
/// </summary>
public sealed class AlarmRate
{
    /// <summary>A piece of time.</summary>
    public static readonly TimeSpan Piece = TimeSpan.FromMinutes(5);

    private const int PiecesOfDay = 288;
    private const int Most = 14 * PiecesOfDay;
    private const float Margin = 1.02f; // above all that was heard, where that is too often already

    private readonly List<long> _pieces = []; // in their order
    private readonly List<float> _greatest = []; // of each

    /// <summary>How much time it knows.</summary>
    public TimeSpan Known => _pieces.Count * Piece;

    /// <summary>Takes a distance. Pieces of time that are long gone are none of its business.</summary>
    /// <param name="piece">The number of its piece of time.</param>
    /// <param name="distance">The distance.</param>
    public void Add(long piece, float distance)
    {
        var at = _pieces.Count > 0 && _pieces[^1] == piece ? _pieces.Count - 1 : _pieces.BinarySearch(piece);
        if (at >= 0)
        {
            _greatest[at] = Math.Max(_greatest[at], distance);
            return;
        }

        _pieces.Insert(~at, piece);
        _greatest.Insert(~at, distance);
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
        var above = new HashSet<long>();
        var (alarms, last) = (0, float.NaN);
        foreach (var (piece, distance) in _pieces.Zip(_greatest).TakeLast(count).OrderByDescending(g => g.Second))
        {
            alarms += 1 - (above.Contains(piece - 1) ? 1 : 0) - (above.Contains(piece + 1) ? 1 : 0);
            if (alarms > allowed)
                return float.IsNaN(last) ? distance * Margin : (last + distance) / 2;
            above.Add(piece);
            last = distance;
        }

        return last; // all of it is one alarm, and that is not too often
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
