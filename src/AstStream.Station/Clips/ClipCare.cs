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

    private string? _failure; // of the last call

    /// <summary>
    /// Removes some of what is to go; returns how many clips, whether there may be more, and why the last one could not be removed that
    /// could not.
    /// </summary>
    /// <exception cref="StoreException">The store can't be read or written to.</exception>
    /// <exception cref="IOException">The disk can't be asked.</exception>
    public (int Removed, bool HasMore, string? Failure) Remove()
    {
        _failure = null;
        using var reader = ClipReader.Open(store);
        var now = time.GetUtcNow();
        var removed = 0;
        foreach (var clip in reader.Oldest(ClipRank.Plain, now - age, AtOnce))
            removed += TryRemove(clip) ? 1 : 0;

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
                if (!TryRemove(clip))
                    continue;
                freed += clip.Bytes;
                removed++;
            }
        }

        return (removed, removed >= AtOnce, _failure);
    }

    /// <summary>Removes a clip. One whose file can't be removed stays; one whose name leads elsewhere is only forgotten.</summary>
    private bool TryRemove(StoredClip clip)
    {
        try
        {
            folder.Remove(clip.File, clip.Bytes);
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && folder.Holds(clip.File)))
        {
            _failure = e.Message;
            return false;
        }
        catch (IOException)
        {
            // It is no file of ours.
        }

        forget(clip.Id);
        return true;
    }
}
