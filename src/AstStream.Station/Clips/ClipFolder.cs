using System.Globalization;

namespace AstStream.Station.Clips;

/// <summary>The folder of clips: a folder a day, files named after the clip's first event. Safe for many threads.</summary>
internal sealed class ClipFolder
{
    /// <summary>What it is called in a station's folder.</summary>
    public const string Name = "clips";

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    private readonly long _free;
    private readonly TimeProvider _time;
    private long _looked;
    private bool _hasRoom;
    private long _bytes;

    /// <summary>Opens a folder, which is made where it is missing; what was left of clips that were not whole is removed.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="free">The bytes that are to stay free on its disk.</param>
    /// <param name="bytes">What its clips take.</param>
    /// <param name="time">The clock.</param>
    /// <exception cref="IOException">It can't be used.</exception>
    public ClipFolder(string path, long free, long bytes, TimeProvider time)
    {
        (Path, _free, _bytes, _time) = (System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)), free, bytes, time);
        Directory.CreateDirectory(path);
        foreach (var rest in Files().Where(f => f.EndsWith(ClipFile.Unfinished, StringComparison.Ordinal)).ToList())
            File.Delete(rest);
        Look();
    }

    public string Path { get; }

    /// <summary>The full path of a clip that is there; null for one that is gone, or whose name leads out of the folder.</summary>
    public static string? Existing(string folder, string file)
    {
        try
        {
            return FullPath(folder, file) is var path && File.Exists(path) ? path : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>What its clips take.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Bytes that are missing for what is to stay free.</summary>
    public long Lacking => Math.Max(0, _free - Available);

    /// <summary>Whether there is room for more.</summary>
    public bool HasRoom
    {
        get
        {
            if (_time.GetElapsedTime(Interlocked.Read(ref _looked)) >= s_betweenLooks)
                Look();
            return Volatile.Read(ref _hasRoom);
        }
    }

    private long Available => new DriveInfo(Path).AvailableFreeSpace;

    /// <summary>
    /// Removes clips of before a time that the store does not know: a run was killed, or the store is another one. Returns how many.
    /// </summary>
    /// <exception cref="IOException">One can't be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor may it be.</exception>
    public int RemoveUnknown(IReadOnlySet<string> known, DateTimeOffset before)
    {
        var unknown = Files().Where(f => File.GetLastWriteTimeUtc(f) < before.UtcDateTime && !known.Contains(Relative(f))).ToList();
        unknown.ForEach(f => Remove(Relative(f), 0));
        return unknown.Count;
    }

    /// <summary>Where a clip goes, without extension.</summary>
    public string NewPath(OpenClip clip)
    {
        var time = clip.Stream.TimeAt((double)clip.Start / clip.SampleRate) ?? _time.GetUtcNow();
        var day = time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return System.IO.Path.Combine(Path, day, clip.Id);
    }

    /// <summary>A path in it, from it on.</summary>
    public string Relative(string path) => System.IO.Path.GetRelativePath(Path, path);

    /// <summary>Adds to what its clips take.</summary>
    public void Add(long bytes) => Interlocked.Add(ref _bytes, bytes);

    /// <summary>Removes a clip's file; one that is gone already is none.</summary>
    /// <exception cref="IOException">It can't be removed.</exception>
    public void Remove(string file, long bytes)
    {
        var path = FullPath(Path, file);
        var day = System.IO.Path.GetDirectoryName(path)!;
        if (Directory.Exists(day))
            File.Delete(path);
        Add(-bytes);
        if (!Directory.Exists(day))
            return;
        if (day != Path && !Directory.EnumerateFileSystemEntries(day).Any())
            Directory.Delete(day);
    }

    /// <summary>Whether a name leads to a place in it.</summary>
    public bool Holds(string file)
    {
        try
        {
            return FullPath(Path, file).Length > 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The full path of a clip's file, which must be in the folder: a store may come from elsewhere.</summary>
    /// <exception cref="IOException">It is not.</exception>
    public static string FullPath(string folder, string file)
    {
        var path = file.Contains('\0', StringComparison.Ordinal) ? "" : System.IO.Path.GetFullPath(file, folder);
        return path.StartsWith(folder + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
            : throw new IOException($"{folder}: the store names a clip that is not in it");
    }

    private void Look()
    {
        Interlocked.Exchange(ref _looked, _time.GetTimestamp());
        try
        {
            Directory.CreateDirectory(Path); // somebody may have removed it
            Volatile.Write(ref _hasRoom, Lacking == 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Volatile.Write(ref _hasRoom, true); // writing says what is wrong
        }
    }

    /// <summary>The files in the folders of days; links are not followed, and what else lies there is left alone.</summary>
    private IEnumerable<string> Files()
    {
        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return Directory.EnumerateDirectories(Path, "????-??-??", options).SelectMany(d => Directory.EnumerateFiles(d, "*", options));
    }
}
