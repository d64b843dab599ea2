namespace AstStream.Station.Store;

/// <summary>What a store holds.</summary>
/// <param name="Problems">What SQLite finds wrong with it; empty where it is sound.</param>
/// <param name="Version">Its version.</param>
/// <param name="Events">Events.</param>
/// <param name="Times">The times of the first and the last one; null where there is none.</param>
/// <param name="Streams">Streams.</param>
/// <param name="Labels">Labels.</param>
/// <param name="Coverage">Intervals of coverage.</param>
/// <param name="Bytes">Its size on the disk, without what is in SQLite's log.</param>
/// <param name="FreeBytes">How much of that a vacuum gives back.</param>
public sealed record StoreCheck(
    IReadOnlyList<string> Problems, int Version, long Events, (DateTimeOffset First, DateTimeOffset Last)? Times, long Streams, long Labels,
    long Coverage, long Bytes, long FreeBytes);
