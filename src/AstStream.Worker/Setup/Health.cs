namespace AstStream.Worker.Setup;

/// <summary>How well a thing is.</summary>
internal enum Health
{
    /// <summary>As it should be.</summary>
    Good,

    /// <summary>Missing, or worth knowing, but nothing fails that is not asked for.</summary>
    Note,

    /// <summary>Something will fail.</summary>
    Bad,
}
