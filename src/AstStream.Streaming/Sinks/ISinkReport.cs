using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Sinks;

/// <summary>What a sink says of itself, and what it can know of the run.</summary>
public interface ISinkReport
{
    /// <summary>How the live sources do.</summary>
    IEnumerable<SourceHealth> Sources { get; }

    /// <summary>It has troubles that it deals with by itself.</summary>
    void Warn(string message);

    /// <summary>Something about it that is worth knowing, and well.</summary>
    void Note(string message);

    /// <summary>
    /// It waits, and well: for somebody who is away, whose coming back it will notice. Said every few seconds, as a run in which nothing
    /// moves is taken for one that hangs.
    /// </summary>
    void Waits();

    /// <summary>It has left out records; why, where it is for another reason than that too many wait.</summary>
    void Drop(long records, string? why = null);
}
