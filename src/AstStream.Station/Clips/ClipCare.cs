using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>
/// Removes clips: those that are old, and the oldest while they take too much room or the disk has too little; those with a review after
/// all others, pinned ones last.
/// </summary>
/// <param name="folder">Their files.</param>
/// <param name="store">The store that knows of them.</param>
/// <param name="forget">Takes a clip out of the store.</param>
/// <param name="age">How old a clip may be that nobody reviewed or pinned.</param>
/// <param name="size">The bytes that all may take.</param>
/// <param name="time">The clock.</param>
internal sealed class ClipCare(ClipFolder folder, string store, Action<string> forget, TimeSpan age, long size, TimeProvider time)
{
    private const int AtOnce = 200;

    /// <summary>Removes some of what is to go; returns how many clips, and whether there may be more.</summary>
    /// <exception cref="StoreException">The store can't be read or written to.</exception>
    /// <exception cref="IOException">A file can't be removed.</exception>
    public (int Removed, bool HasMore) Remove()
    {
        using var reader = ClipReader.Open(store);
        var now = time.GetUtcNow();
        var removed = 0;
        foreach (var clip in reader.Oldest(ClipRank.Plain, now - age, AtOnce))
        {
            Remove(clip);
            removed++;
        }

        var freed = 0L; // in this call: the disk may tell late
        var lacking = folder.Lacking;
        foreach (var rank in Enum.GetValues<ClipRank>())
        {
            if (folder.Bytes <= size && freed >= lacking)
                break;
            foreach (var clip in reader.Oldest(rank, DateTimeOffset.MaxValue, AtOnce))
            {
                if ((folder.Bytes <= size && freed >= lacking) || removed >= AtOnce)
                    break;
                Remove(clip);
                freed += clip.Bytes;
                removed++;
            }
        }

        return (removed, removed >= AtOnce);
    }

    private void Remove(StoredClip clip)
    {
        folder.Remove(clip.File, clip.Bytes);
        forget(clip.Id);
    }
}
