namespace AstStream.Station.Notify;

/// <summary>Where a notification is on its way, as the store writes it.</summary>
internal static class NoticeState
{
    /// <summary>It is due.</summary>
    public const string Waiting = "waiting";

    /// <summary>It is held for a digest.</summary>
    public const string Held = "held";

    /// <summary>It has arrived.</summary>
    public const string Sent = "sent";

    /// <summary>A digest tells of it.</summary>
    public const string Gathered = "gathered";

    /// <summary>The target will never take it.</summary>
    public const string Refused = "refused";

    /// <summary>It could not be delivered for so long that nobody wants it any more.</summary>
    public const string Expired = "expired";
}
