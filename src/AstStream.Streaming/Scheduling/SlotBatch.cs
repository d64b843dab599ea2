using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>The rows of one slot of a session.</summary>
/// <param name="slot">Which slot.</param>
internal sealed class SlotBatch(int slot)
{
    public int Slot => slot;

    /// <summary>Windows that are in rows, and to be run.</summary>
    public List<Piece> Windows { get; } = [];

    /// <summary>Windows of the last run, until their scores are read. Their rows of the input may be filled again meanwhile.</summary>
    public List<Piece> Unread { get; } = [];

    /// <summary>Whether the windows have their scores already: they were scored in parts.</summary>
    public bool HasScores { get; set; }

    /// <summary>When the last run began.</summary>
    public long Started { get; set; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; set; }
}
