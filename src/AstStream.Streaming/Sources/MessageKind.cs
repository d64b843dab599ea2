namespace AstStream.Streaming.Sources;

/// <summary>Whether an audio block carries samples or marks a place in its stream. Marks keep their place among the samples.</summary>
public enum MessageKind
{
    /// <summary>Samples.</summary>
    Data,

    /// <summary>Time is missing after this place: what comes next does not join what came before.</summary>
    Discontinuity,

    /// <summary>The stream is over.</summary>
    End,
}
