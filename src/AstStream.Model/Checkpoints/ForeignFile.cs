using System.Text;

namespace AstStream.Model.Checkpoints;

/// <summary>Knows what stands in a file's place where a download or a checkout went wrong.</summary>
internal static class ForeignFile
{
    private const int Start = 512; // bytes that tell it

    /// <summary>What the file is, and what to do; null where it may be what it should be, or can't be read.</summary>
    public static string? What(string path)
    {
        try
        {
            if (new FileInfo(path).Length == 0)
                return null; // or no regular file, which may never answer
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Span<byte> start = stackalloc byte[Start];
            return What(start[..file.ReadAtLeast(start, Start, throwOnEndOfStream: false)]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? What(ReadOnlySpan<byte> start)
    {
        var text = Encoding.Latin1.GetString(start).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\r', '\n', '\t');
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            return "is a pointer of Git LFS and not the file itself, which was not fetched; in the repository, run: git lfs install && "
                + "git lfs pull";
        return text.StartsWith(
            "<!doctype html", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase)
            ? "is an HTML page and not the file itself; was it saved from a page that asks to log in, or that only links to the file? "
                + "Download it again, or: aststream model import hf://OWNER/NAME --to DIR"
            : null;
    }
}
