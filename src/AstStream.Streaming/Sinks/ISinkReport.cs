namespace AstStream.Streaming.Sinks;

/// <summary>What a sink says of itself.</summary>
public interface ISinkReport
{
    /// <summary>It has troubles that it deals with by itself.</summary>
    void Warn(string message);

    /// <summary>Something about it that is worth knowing, and well.</summary>
    void Note(string message);

    /// <summary>It has left out records; why, where it is for another reason than that too many wait.</summary>
    void Drop(long records, string? why = null);
}
