namespace AstStream.Station.Clips;

/// <summary>What clips need to know of a model.</summary>
/// <param name="Labels">Its labels, by class.</param>
/// <param name="Clipped">The labels whose events get clips; null for all.</param>
/// <param name="Private">The labels whose sound is not kept.</param>
/// <param name="PrivateClasses">The same as indices of scores.</param>
/// <param name="WindowLength">Samples of its window, as models count them.</param>
internal sealed record ModelClasses(
    IReadOnlyList<string> Labels, IReadOnlySet<string>? Clipped, IReadOnlySet<string> Private, IReadOnlyList<int> PrivateClasses,
    long WindowLength);
