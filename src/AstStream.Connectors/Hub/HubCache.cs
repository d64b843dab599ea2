namespace AstStream.Connectors.Hub;

/// <summary>
/// One model's part of huggingface_hub's cache: blobs/ETAG, refs/REVISION with a commit in it, and snapshots/COMMIT/FILE, links to blobs.
/// </summary>
internal sealed class HubCache(string root, HubReference model)
{
    // What a file that another process holds is called: EAGAIN of Linux and of BSD, ERROR_SHARING_VIOLATION.
    private static readonly int[] s_held = [11, 35, unchecked((int)0x80070020)];
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(30);

    private readonly string _folder = Path.Combine(root, $"models--{model.Owner}--{model.Name}");

    /// <summary>The folder of a commit's files.</summary>
    public string Snapshot(string commit) => Path.Combine(_folder, "snapshots", commit);

    /// <summary>The commit that the revision was when it was last asked for; null where it never was.</summary>
    public string? KnownCommit()
    {
        var path = Path.Combine(_folder, "refs", model.Revision);
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: 40 } commit && commit.All(char.IsAsciiHexDigitLower))
            return commit;
        return Directory.Exists(Snapshot(model.Revision)) ? model.Revision : null;
    }

    /// <summary>Keeps which commit the revision is.</summary>
    public void Remember(string commit)
    {
        if (commit == model.Revision)
            return;
        var path = Path.Combine(_folder, "refs", model.Revision);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // Another download of the same model may end at the same moment.
        var aside = $"{path}.{Path.GetRandomFileName()}";
        File.WriteAllText(aside, commit);
        File.Move(aside, path, overwrite: true);
    }

    public string Blob(string etag) => Path.Combine(_folder, "blobs", etag);

    /// <summary>The file that a download goes to until it is whole; a later one goes on where it ends.</summary>
    public string Incomplete(string etag)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "blobs"));
        return Blob(etag) + ".incomplete";
    }

    /// <summary>Lets a snapshot's file name a blob.</summary>
    public string Link(string commit, string file, string etag)
    {
        var path = Path.Combine(Snapshot(commit), file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        if (File.Exists(path) && File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name == etag)
            return path;
        File.Delete(path);
        File.CreateSymbolicLink(path, Path.Combine("..", "..", "blobs", etag));
        return path;
    }

    /// <summary>Holds a blob against other processes, huggingface_hub's among them, which lock the same file.</summary>
    /// <exception cref="HubException">Another process holds it for longer than a download takes.</exception>
    public async Task<IDisposable> LockAsync(string etag, HubOptions options, CancellationToken cancellation)
    {
        var start = options.Time.GetTimestamp();
        var isTold = false;
        var path = Path.Combine(root, ".locks", Path.GetFileName(_folder), etag + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException e) when (s_held.Contains(e.HResult))
            {
                var waited = options.Time.GetElapsedTime(start);
                if (waited > s_patience)
                    throw new HubException($"{path}: is held by another program for {waited.TotalMinutes:0} minutes: {e.Message}");
                if (!isTold && waited > TimeSpan.FromSeconds(2))
                {
                    options.OnRetry?.Invoke($"waiting for another program that downloads the same file ({path})");
                    isTold = true;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(200), options.Time, cancellation).ConfigureAwait(false);
            }
        }
    }
}
