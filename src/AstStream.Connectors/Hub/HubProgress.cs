namespace AstStream.Connectors.Hub;

/// <summary>How far a download is.</summary>
/// <param name="File">The file.</param>
/// <param name="Bytes">Bytes that are here.</param>
/// <param name="Total">Bytes of the whole file.</param>
public sealed record HubProgress(string File, long Bytes, long Total);
