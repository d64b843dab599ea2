using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Clips;

/// <summary>How far one model has decided a stream, and which of its sound may be kept. Samples are those of models.</summary>
internal sealed class ModelHearing(float privateThreshold)
{
    private static readonly ModelClasses s_unknown = new([], null, new HashSet<string>(), [], 0);

    private readonly IntervalSet _cleared = new(); // was scored, or needed no score
    private readonly IntervalSet _private = new(); // a private label had a score there
    private long _until;

    /// <summary>What is known of the model. Another one may take its place: what was scored before stays private, or not.</summary>
    public ModelClasses Classes
    {
        get;
        set
        {
            if (!field.Labels.SequenceEqual(value.Labels))
                Scores = new ScoreHistory(); // by classes that mean something else now
            field = value;
        }
    } = s_unknown;

    /// <summary>How it scored the stream.</summary>
    public ScoreHistory Scores { get; private set; } = new();

    /// <summary>Whether the stream is over for it.</summary>
    public bool IsOver { get; private set; }

    private bool HasPrivate => Classes.PrivateClasses.Count > 0;

    /// <summary>
    /// The sample before which nothing changes any more of what may be kept. A window that is still to be decided begins at most two of its
    /// lengths before what is decided.
    /// </summary>
    public long Settled => IsOver ? long.MaxValue : HasPrivate ? _until - (2 * Classes.WindowLength) : _until;

    /// <summary>Takes what was decided; returns where a private label had a score in it, or null.</summary>
    public (long Start, long End)? Take(in DecidedPiece piece)
    {
        _until = Math.Max(_until, piece.Until);
        IsOver |= piece.IsEnd;
        if (!piece.Scores.IsEmpty)
            Scores.Add(piece.Start, piece.End, piece.Scores);
        if (!HasPrivate || piece.IsEnd)
            return null;
        if (piece.Scores.IsEmpty)
        {
            if (piece.State == CoverageState.Gated && piece.IsInTurn)
                _cleared.Add(piece.Start, piece.End);
            return null;
        }

        _cleared.Add(piece.Start, piece.End);
        var isPrivate = false;
        foreach (var index in Classes.PrivateClasses)
            isPrivate |= piece.Scores[index] >= Math.Min(privateThreshold, piece.Thresholds[index]);
        if (!isPrivate)
            return null;
        _private.Add(piece.Start, piece.End);
        return (piece.Start, piece.End);
    }

    /// <summary>The parts of an interval that may not be kept.</summary>
    public IEnumerable<(long Start, long End)> Hidden(long start, long end) =>
        _private.Parts(start, end, inside: true).Concat(HasPrivate ? _cleared.Parts(start, end, inside: false) : []);

    /// <summary>Forgets what was before a sample.</summary>
    public void Trim(long before)
    {
        _cleared.Trim(before);
        _private.Trim(before);
    }
}
