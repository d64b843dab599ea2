using AstStream.Dsp;
using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>Clips on the disk: how they come there, and when they go.</summary>
public sealed class ClipFilesTests : StoreTrial
{
    private const int Rate = 16_000;

    private readonly StreamIdentity _yard = new("yard", "mic", s_start);

    private string Clips => Path.Combine(_folder, "clips");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Finish_AClip_IsAFileOfItsSamplesAndInTheStore(bool isFlac)
    {
        Assert.True(FlacWriter.IsThere, "libsndfile is missing: apt-get install libsndfile1");
        short[] samples = [.. Enumerable.Range(0, 40_000).Select(i => (short)(i * 7919))];

        await WriteAsync(isFlac ? ClipFormat.Flac : ClipFormat.Wav, Clip("0a", 0, 40_000), samples);

        using var reader = ClipReader.Open(Store);
        var clip = reader.Find("0a")!;
        Assert.Equal((40_000, Rate, 0L, "0a"), (clip.Samples, clip.SampleRate, clip.Missing, Assert.Single(clip.Events)));
        Assert.Equal(reader.Bytes(), new FileInfo(Path.Combine(Clips, clip.File)).Length);
        Assert.Equal(isFlac ? ".flac" : ".wav", Path.GetExtension(clip.File));
        Assert.Equal(samples, Read(Path.Combine(Clips, clip.File)));
        Assert.Empty(Directory.EnumerateFiles(Clips, "*.part", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Finish_NothingThatMayBeHeard_LeavesNoFile()
    {
        var clip = Clip("0a", 0, 1000);
        clip.Muted = 1000;

        var counts = await WriteAsync(ClipFormat.Flac, clip, new short[1000]);

        Assert.Equal(0, counts.Written);
        Assert.Empty(Directory.EnumerateFiles(Clips, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Append_FolderThatIsAFile_IsCountedAndToldOnce()
    {
        var folder = Folder();
        await File.WriteAllTextAsync(Path.Combine(Clips, "2026-11-26"), "in the way");
        var told = new List<string>();
        await using var files = new ClipFiles(folder, ClipFormat.Flac, Nothing, _time) { Warn = told.Add };
        foreach (var id in (string[])["0a", "0b"])
        {
            var clip = Clip(id, 0, 100);
            Assert.True(files.TryBegin(clip));
            files.Append(clip, new short[100]);
            files.Finish(clip);
        }

        await files.DisposeAsync();

        Assert.Equal((0, 2), (files.Counts.Written, files.Counts.Skipped(ClipSkip.Failed)));
        Assert.Contains("a clip of yard is left out", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void TryBegin_LessFreeThanIsToStay_LeavesClipsOut()
    {
        StoreWriter.Open(Store, _time).Dispose();
        var files = new ClipFiles(new ClipFolder(Clips, long.MaxValue, 0, _time), ClipFormat.Flac, Nothing, _time);

        Assert.False(files.TryBegin(Clip("0a", 0, 100)));

        Assert.Equal(1, files.Counts.Skipped(ClipSkip.DiskFull));
    }

    [Fact]
    public void Folder_WithClipsThatWereNotWhole_RemovesThem()
    {
        Directory.CreateDirectory(Path.Combine(Clips, "2026-11-25"));
        File.WriteAllText(Path.Combine(Clips, "2026-11-25", "0a.flac.part"), "cut off");

        Folder();

        Assert.Empty(Directory.EnumerateFiles(Clips, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Remove_ByAge_TakesThoseThatNobodyReviewedOrPinned()
    {
        Keep(days: [40, 39, 38, 1], reviewed: ["02"], pinned: ["03"]);

        var (removed, hasMore, failure) = Care(size: long.MaxValue).Remove();

        Assert.Equal((1, false), (removed, hasMore));
        Assert.Null(failure);
        Assert.Equal(["02", "03", "04"], Left());
    }

    [Fact]
    public void Remove_BySize_TakesTheOldestReviewedOnesLaterAndPinnedOnesLast()
    {
        Keep(days: [5, 4, 3, 2], reviewed: ["01"], pinned: ["02"]);

        Care(size: 300).Remove(); // of four of 100 bytes
        Assert.Equal(["01", "02", "04"], Left());
        Care(size: 200).Remove();
        Assert.Equal(["01", "02"], Left());
        Care(size: 100).Remove();
        Assert.Equal(["02"], Left());
        Care(size: 50).Remove();
        Assert.Empty(Left());
        Assert.Empty(Directory.EnumerateFiles(Clips, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Remove_AFileThatIsGoneOrOutside_DoesNotStopTheOthers()
    {
        Keep(days: [40, 39], reviewed: [], pinned: []);
        File.Delete(Path.Combine(Clips, "01.flac"));
        Directory.CreateDirectory(Clips);

        Assert.Equal(2, Care(size: long.MaxValue).Remove().Removed);

        Assert.Throws<IOException>(() => ClipFolder.FullPath(Clips, "../events.db"));
        Assert.Throws<IOException>(() => ClipFolder.FullPath(Clips, "/etc/passwd"));
    }

    [Fact]
    public void Remove_OneThatCannotBeRemoved_IsToldAndTheOthersGo()
    {
        Keep(days: [40, 39, 38], reviewed: [], pinned: []);
        File.Delete(Path.Combine(Clips, "02.flac"));
        Directory.CreateDirectory(Path.Combine(Clips, "02.flac")); // no file can be removed there

        var (removed, _, failure) = Care(size: long.MaxValue).Remove();

        Assert.Equal(2, removed);
        Assert.Contains("02.flac", failure, StringComparison.Ordinal);
        Assert.Equal(["02"], Left());
    }

    [Fact]
    public async Task Finish_TheSameClipAgain_CountsItOnceAndLeavesOneFile()
    {
        var folder = Folder();
        using var writer = StoreWriter.Open(Store, _time);
        foreach (var day in (int[])[0, 1])
        {
            var stream = new StreamIdentity("yard", "mic", s_start + TimeSpan.FromDays(day)); // heard anew on another day
            await using var files = new ClipFiles(folder, ClipFormat.Wav, writer.Add, _time);
            var clip = new OpenClip("0a", stream, 0, Rate) { Written = 1000, Found = 1000 };
            clip.Begin(Event("0a", stream, 0, 1));
            Assert.True(files.TryBegin(clip));
            files.Append(clip, new short[1000]);
            files.Finish(clip);
            await files.DisposeAsync();
        }

        var file = Assert.Single(Directory.EnumerateFiles(Clips, "*", SearchOption.AllDirectories));
        Assert.Equal(new FileInfo(file).Length, folder.Bytes);
    }

    [Fact]
    public void Folder_UnknownOldFiles_AreRemovedAndForeignThingsStay()
    {
        Directory.CreateDirectory(Path.Combine(Clips, "2026-11-25"));
        Directory.CreateDirectory(Path.Combine(_folder, "2026-11-24"));
        Directory.CreateSymbolicLink(Path.Combine(Clips, "2026-11-24"), Path.Combine(_folder, "2026-11-24"));
        string[] stay = ["clips/notes.txt", "2026-11-24/theirs.part", "clips/2026-11-25/known.flac", "clips/2026-11-25/new.flac"];
        foreach (var name in stay.Append("clips/2026-11-25/old.flac"))
        {
            File.WriteAllText(Path.Combine(_folder, name), "x");
            var age = TimeSpan.FromDays(name.EndsWith("new.flac", StringComparison.Ordinal) ? 1 : 40);
            File.SetLastWriteTimeUtc(Path.Combine(_folder, name), (_time.GetUtcNow() - age).UtcDateTime);
        }

        var known = new HashSet<string> { "2026-11-25/known.flac" };
        Assert.Equal(1, Folder().RemoveUnknown(known, _time.GetUtcNow() - TimeSpan.FromDays(30)));

        Assert.All(stay, name => Assert.True(File.Exists(Path.Combine(_folder, name)), name));
        Assert.False(File.Exists(Path.Combine(Clips, "2026-11-25", "old.flac")));
    }

    private static IReadOnlyList<(string File, long Bytes)?> Nothing(IReadOnlyList<StoredClip> clips) =>
        [.. clips.Select(_ => ((string, long)?)null)];

    private ClipFolder Folder()
    {
        StoreWriter.Open(Store, _time).Dispose();
        return new ClipFolder(Clips, 0, 0, _time);
    }

    private OpenClip Clip(string id, long start, long length)
    {
        var clip = new OpenClip(id, _yard, start, Rate) { Written = start + length, Found = length };
        clip.Begin(Event(id, _yard, 0, 1));
        return clip;
    }

    private async Task<ClipCounts> WriteAsync(ClipFormat format, OpenClip clip, short[] samples)
    {
        var folder = Folder();
        using var writer = StoreWriter.Open(Store, _time);
        await using var files = new ClipFiles(folder, format, writer.Add, _time);
        Assert.True(files.TryBegin(clip));
        foreach (var part in samples.Chunk(16_384))
            files.Append(clip, part);
        files.Finish(clip);
        await files.DisposeAsync();
        return files.Counts;
    }

    /// <summary>Clips of 100 bytes and some days of age, called 01, 02 and so on.</summary>
    private void Keep(int[] days, string[] reviewed, string[] pinned)
    {
        Directory.CreateDirectory(Clips);
        using var writer = StoreWriter.Open(Store, _time);
        foreach (var (i, age) in days.Index())
        {
            var id = $"{i + 1:x2}";
            var stream = new StreamIdentity("yard", "mic", _time.GetUtcNow() - TimeSpan.FromDays(age));
            File.WriteAllBytes(Path.Combine(Clips, id + ".flac"), new byte[100]);
            writer.Add(Event(id, stream, 0, 1));
            writer.Commit();
            writer.Add([new StoredClip(id, stream, 0, Rate, Rate, id + ".flac", 100) { Events = [id] }]);
            if (reviewed.Contains(id))
                writer.Add(new Review(id, ReviewVerdict.Right, null, "ann", _time.GetUtcNow()));
            if (pinned.Contains(id))
                Assert.True(writer.Pin(id, isPinned: true));
        }
    }

    private ClipCare Care(long size)
    {
        using var reader = ClipReader.Open(Store);
        void Forget(string id)
        {
            using var writer = StoreWriter.Open(Store, _time);
            writer.RemoveClip(id);
        }

        return new ClipCare(new ClipFolder(Clips, 0, reader.Bytes(), _time), Store, Forget, TimeSpan.FromDays(30), size, _time);
    }

    private List<string> Left()
    {
        using var reader = ClipReader.Open(Store);
        return [.. Enum.GetValues<ClipRank>().SelectMany(r => reader.Oldest(r, DateTimeOffset.MaxValue, 100)).Select(c => c.Id)
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>The samples of a file, by ffmpeg.</summary>
    private static short[] Read(string path)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(
            "ffmpeg", ["-v", "error", "-i", path, "-f", "s16le", "-"])
        { RedirectStandardOutput = true })!;
        using var bytes = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(bytes);
        process.WaitForExit();
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, short>(bytes.ToArray()).ToArray();
    }
}
