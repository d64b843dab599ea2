namespace AstStream.Station.Web;

/// <summary>What somebody may do; each one may what those before it may.</summary>
public enum Right
{
    /// <summary>Nothing but what everybody may: to log in, to ask whether it lives.</summary>
    Nothing,

    /// <summary>See and hear everything.</summary>
    Read,

    /// <summary>Review events, and pin clips.</summary>
    Review,

    /// <summary>Change settings.</summary>
    Admin,
}
