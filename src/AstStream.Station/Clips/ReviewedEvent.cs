using AstStream.Events;

namespace AstStream.Station.Clips;

/// <summary>An event with its sound, and what a person said of it.</summary>
/// <param name="Label">What it was reported as.</param>
/// <param name="Heard">What it is, as that person says; null where it is nothing of the kind, or nobody judged it.</param>
/// <param name="Stream">The stream that it is of.</param>
/// <param name="Time">When it began.</param>
/// <param name="File">The clip's file.</param>
/// <param name="Onset">Where it begins in the clip, in seconds.</param>
/// <param name="Offset">Where it ends there.</param>
public sealed record ReviewedEvent(
    string Label, string? Heard, StreamIdentity Stream, DateTimeOffset Time, string File, double Onset, double Offset);
