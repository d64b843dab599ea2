namespace AstStream.Station.Web;

/// <summary>What a route asks of whoever calls it. A route without it is served to nobody.</summary>
/// <param name="Right">The least right.</param>
internal sealed record NeedsRight(Right Right);
