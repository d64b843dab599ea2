namespace AstStream.Connectors.Files;

/// <summary>
/// Which files of a watched folder can be read: those that have not changed for a while. Knows no folder; whoever looks tells it what is
/// there.
/// </summary>
/// <param name="settle">How long.</param>
/// <param name="time">The clock.</param>
internal sealed class FolderWatch(TimeSpan settle, TimeProvider time)
{
    private static readonly TimeSpan s_longAgo = TimeSpan.FromHours(1);

    private Dictionary<string, (long Size, DateTime Written, long Since)> _seen = new(StringComparer.Ordinal);

    /// <summary>Files that are there and grow, or may.</summary>
    public int Growing => _seen.Count;

    /// <summary>Takes what is there now, and gives what can be read, in that order.</summary>
    /// <param name="files">The files that are not done, with their lengths and when they were written last.</param>
    public List<(string File, long Size)> Look(IEnumerable<(string File, long Size, DateTime Written)> files)
    {
        var (ready, seen) = (new List<(string, long)>(), new Dictionary<string, (long, DateTime, long)>(StringComparer.Ordinal));
        var (stamp, now) = (time.GetTimestamp(), time.GetUtcNow().UtcDateTime);
        foreach (var (file, size, written) in files)
        {
            var isKnown = _seen.TryGetValue(file, out var before) && before.Size == size && before.Written == written;
            var since = isKnown ? before.Since : stamp;

            // One that was written long ago does not grow. Another machine's clock may be ahead or not as far as ours: else only that it
            // stays the same counts.
            if (now - written >= s_longAgo || (isKnown && time.GetElapsedTime(since, stamp) >= settle))
                ready.Add((file, size));
            else
                seen[file] = (size, written, since);
        }

        _seen = seen;
        return ready;
    }
}
