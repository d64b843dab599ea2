namespace AstStream.Station.Store;

/// <summary>Which clips are removed before which.</summary>
public enum ClipRank
{
    /// <summary>Nobody reviewed an event of it, or pinned it.</summary>
    Plain,

    /// <summary>An event of it was reviewed.</summary>
    Reviewed,

    /// <summary>It was asked to be kept.</summary>
    Pinned,
}
