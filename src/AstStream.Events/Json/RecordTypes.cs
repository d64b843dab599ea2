namespace AstStream.Events.Json;

/// <summary>
/// The types of records as CloudEvents and schemas name them. The number changes when the data changes in a way that readers must know of.
/// </summary>
public static class RecordTypes
{
    /// <summary>Events.</summary>
    public const string Event = "aststream.event.v1";

    /// <summary>Coverage.</summary>
    public const string Coverage = "aststream.coverage.v1";

    /// <summary>The scores of a window.</summary>
    public const string Scores = "aststream.scores.v1";

    /// <summary>A notification that is about no single record: a digest, a fault of the system.</summary>
    public const string Notice = "aststream.notice.v1";

    /// <summary>A person's word on an event.</summary>
    public const string Review = "aststream.review.v1";
}
