namespace AstStream.Station.Live;

/// <summary>What passes an arrow of the graph.</summary>
internal enum TapPoint
{
    /// <summary>Sound from a source to a lane.</summary>
    Blocks,

    /// <summary>A model's scores of a window, to what decodes them.</summary>
    Scores,

    /// <summary>What became of a piece of a stream's time, from what decodes.</summary>
    Decided,

    /// <summary>Events from what decodes to the sinks.</summary>
    Events,
}
