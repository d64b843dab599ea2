namespace AstStream.Learning.Training;

/// <summary>Why a training ended.</summary>
public enum FineTuneEnd
{
    /// <summary>All epochs were learnt.</summary>
    Done,

    /// <summary>It got no better any more.</summary>
    NoBetter,

    /// <summary>It was asked to.</summary>
    Asked,

    /// <summary>Numbers were not finite any more, though the rate was halved twice.</summary>
    NotFinite,
}
