namespace AstStream.Station.Levels;

/// <summary>What is measured of a stream.</summary>
internal enum LevelDetail
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Levels of all frequencies.</summary>
    Overall,

    /// <summary>Those, and one-third-octave bands.</summary>
    Bands,
}
