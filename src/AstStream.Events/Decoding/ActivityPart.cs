namespace AstStream.Events.Decoding;

/// <summary>
/// A part of the time in which something sounds in a stream, as it is known so far: parts are at most as long as a window, and follow one
/// another as long as it goes on.
/// </summary>
/// <param name="Start">Its first sample.</param>
/// <param name="End">The sample after the last one that sounded, so far; not after <paramref name="Start"/> where nothing did.</param>
/// <param name="Progress">How far it is known.</param>
public readonly record struct ActivityPart(long Start, long End, ActivityProgress Progress);
