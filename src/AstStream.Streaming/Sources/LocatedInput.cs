using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>What of a source's input an interval was heard in.</summary>
/// <param name="Places">The first and the last place.</param>
/// <param name="Carried">What the last record carries; null where there is none.</param>
public readonly record struct LocatedInput(InputRange Places, IReadOnlyList<CarriedHeader>? Carried = null);
