using System.Runtime.InteropServices;
using AstStream.Dsp;
using Microsoft.Extensions.FileSystemGlobbing;

namespace AstStream.Connectors.Files;

/// <summary>
/// Finds the files below a folder. Names that are no UTF-8 are found too (<see cref="UnixName"/>). Links to files are followed, links to
/// folders are not: they can lead in circles.
/// </summary>
internal static partial class SoundFolder
{
    /// <summary>The endings of files that hold sound, or may.</summary>
    public static readonly IReadOnlySet<string> Endings = new HashSet<string>(
    [
        ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".mp3", ".mp2", ".mp1", ".mpa", ".mpga", ".ogg", ".oga", ".ogx", ".opus", ".spx",
            ".m4a", ".m4b", ".m4r", ".m4v", ".mp4", ".mov", ".qt", ".3gp", ".3gpp", ".3g2",
        ".aac", ".adts", ".ac3", ".eac3", ".ec3", ".dts", ".dtshd", ".mlp", ".thd", ".truehd", ".wma", ".wmv", ".asf", ".aif", ".aiff",
            ".aifc", ".caf", ".au", ".snd", ".amr", ".awb", ".gsm", ".mka", ".mkv", ".webm", ".weba",
        ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".vob", ".avi", ".flv", ".f4a", ".f4v", ".ogv", ".wv", ".ape", ".tta", ".tak", ".mpc",
            ".mpp", ".shn", ".ofr", ".dsf", ".dff", ".qcp", ".voc", ".ra", ".rm", ".rmvb", ".oma", ".aa3",
        ".at3", ".sph", ".nist", ".sf", ".vqf", ".xwma", ".adx", ".aptx", ".sbc", ".loas", ".latm", ".nut", ".mxf", ".gxf", ".wtv", ".r3d",
            ".iff", ".8svx", ".sds", ".pvf", ".htk", ".paf", ".fap", ".mpeg4", ".mj2", ".swa",
    ],
        StringComparer.OrdinalIgnoreCase);

    private const byte Folder = 4, Unknown = 0, Link = 10; // d_type
    private const int NameOffset = 19; // of struct dirent on 64-bit Linux

    /// <summary>All files below a folder, in no order.</summary>
    public static IEnumerable<string> Files(string folder, CancellationToken stop)
    {
        var folders = new Stack<string>([folder]);
        while (folders.TryPop(out var at))
        {
            foreach (var (name, kind) in Entries(at))
            {
                if (stop.IsCancellationRequested)
                    yield break;
                var path = at.EndsWith('/') ? at + name : $"{at}/{name}";
                if (kind == Folder || (kind == Unknown && Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null))
                    folders.Push(path);
                else if (kind != Link || !Directory.Exists(path))
                    yield return path;
            }
        }
    }

    /// <summary>Whether a file's path below a folder fits a pattern with * and **.</summary>
    public static Func<string, bool> Pattern(string pattern)
    {
        var matcher = new Matcher(StringComparison.OrdinalIgnoreCase);
        matcher.AddInclude(pattern);
        return path => matcher.Match(path).HasMatches;
    }

    private static List<(string Name, byte Kind)> Entries(string folder)
    {
        var entries = new List<(string, byte)>();
        var handle = OpenFolder(UnixName.Bytes(folder));
        if (handle == 0)
            return entries; // gone, or not to be read by this user
        try
        {
            nint entry;
            while ((entry = NextEntry(handle)) != 0)
            {
                var kind = Marshal.ReadByte(entry, NameOffset - 1);
                var length = 0;
                while (Marshal.ReadByte(entry, NameOffset + length) != 0)
                    length++;
                var bytes = new byte[length];
                Marshal.Copy(entry + NameOffset, bytes, 0, length);
                var name = UnixName.Text(bytes);
                if (name is not ("." or ".."))
                    entries.Add((name, kind));
            }
        }
        finally
        {
            _ = CloseFolder(handle);
        }

        return entries;
    }

    [LibraryImport("libc", EntryPoint = "opendir")]
    private static partial nint OpenFolder(ReadOnlySpan<byte> path);

    [LibraryImport("libc", EntryPoint = "readdir")]
    private static partial nint NextEntry(nint folder);

    [LibraryImport("libc", EntryPoint = "closedir")]
    private static partial int CloseFolder(nint folder);
}
