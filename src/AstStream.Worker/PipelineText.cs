using System.Text;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker;

/// <summary>The text of a pipeline's file, which is changed as a whole.</summary>
internal static class PipelineText
{
    /// <summary>The file itself, where a name is a link to it.</summary>
    public static string Target(string file) => SectionReader.RealPath(file, Directory.GetCurrentDirectory());

    /// <summary>Puts a text in a file's place at once: whoever reads it sees the old one or the new one.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Replace(string target, string text)
    {
        var temporary = target + ".new";
        File.WriteAllText(temporary, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: HasMark(target)));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
        File.Move(temporary, target, overwrite: true);
    }

    /// <summary>The lines of a text that another one does not have, with their numbers.</summary>
    public static string NewLines(string before, string after)
    {
        var had = before.Split('\n').ToHashSet(StringComparer.Ordinal);
        return string.Join(
            ", ", after.Split('\n').Index().Where(l => !had.Contains(l.Item)).Select(l => $"line {l.Index + 1}: {l.Item.Trim()}"));
    }

    /// <summary>Whether a file begins with a byte order mark.</summary>
    private static bool HasMark(string file)
    {
        using var bytes = File.OpenRead(file);
        return Encoding.UTF8.Preamble.SequenceEqual([(byte)bytes.ReadByte(), (byte)bytes.ReadByte(), (byte)bytes.ReadByte()]);
    }
}
