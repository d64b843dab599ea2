using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AstStream.Dsp;

namespace AstStream.Connectors.Files;

/// <summary>
/// When a recording began, as far as its file says: by GUANO metadata (guano-md.org), AudioMoth's comment, or a broadcast WAV's bext chunk
/// (EBU Tech 3285), else by its name, as recorders make them: 20260501_060000, 2026-05-01T06-00-00Z, or AudioMoth's earlier names, which
/// are seconds since 1970 in hexadecimal.
/// </summary>
internal static partial class RecordingTime
{
    private const int LongestChunk = 65_536; // bytes that are looked at
    private const int MostChunks = 1000;
    private const int BextDate = 320; // where a bext chunk has yyyy-mm-dd, and hh:mm:ss after it
    private const int BextReference = 338; // samples since midnight, 8 bytes

    /// <summary>When a file's sound began; null where nothing says it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="zone">The zone of times that name none.</param>
    public static DateTimeOffset? Of(string path, TimeZoneInfo zone) => FromContent(path, zone) ?? FromName(path, zone);

    /// <summary>What a file's name says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="zone">The zone of times that name none.</param>
    public static DateTimeOffset? FromName(string path, TimeZoneInfo zone)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        if (Hexadecimal().IsMatch(name) && name.Any(char.IsAsciiLetter)
            && DateTimeOffset.FromUnixTimeSeconds(Convert.ToInt64(name, 16)) is { Year: >= 2014 and < 2100 } unix)
            return unix;
        foreach (Match match in Stamp().Matches(name))
        {
            int Part(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
            if (Made(Part(1), Part(2), Part(3), Part(4), Part(5), Part(6)) is not { } time)
                continue;
            return match.Groups[7].Value is { Length: > 0 } offset ? At(time, offset) : In(time, zone);
        }

        return null;
    }

    /// <summary>What the chunks of a WAV file say; null for other files, and for those that can't be read.</summary>
    private static DateTimeOffset? FromContent(string path, TimeZoneInfo zone)
    {
        DateTimeOffset? comment = null, bext = null;
        try
        {
            using var file = RegularFile.Open(path);
            Span<byte> head = stackalloc byte[12];
            if (file.ReadAtLeast(head, 12, throwOnEndOfStream: false) < 12 || !head[8..].SequenceEqual("WAVE"u8))
                return null;
            var rate = 0;
            for (var i = 0; i < MostChunks && file.ReadAtLeast(head[..8], 8, throwOnEndOfStream: false) == 8; i++)
            {
                long size = BinaryPrimitives.ReadUInt32LittleEndian(head[4..]);
                var next = file.Position + size + (size % 2);
                var name = Encoding.ASCII.GetString(head[..4]);
                if (name is "guan" or "LIST" or "bext" or "fmt ")
                {
                    var chunk = new byte[Math.Min(size, LongestChunk)];
                    var bytes = chunk.AsSpan(0, file.ReadAtLeast(chunk, chunk.Length, throwOnEndOfStream: false));
                    if (name == "fmt " && bytes.Length >= 8)
                        rate = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
                    else if (name == "guan" && Guano(Encoding.UTF8.GetString(bytes), zone) is { } guano)
                        return guano;
                    else if (name == "LIST")
                        comment ??= Comment(Encoding.Latin1.GetString(bytes));
                    else if (name == "bext")
                        bext ??= Bext(bytes, rate, zone);
                }

                if (next > file.Length)
                    break;
                file.Position = next;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // who plays it says what is wrong
        }

        return comment ?? bext;
    }

    private static DateTimeOffset? Guano(string text, TimeZoneInfo zone)
    {
        if (GuanoTime().Match(text) is not { Success: true } match)
            return null;
        var value = match.Groups[1].Value;
        if (!DateTime.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var time)
            || time.Year is < 1970 or >= 2100)
            return null;
        return time.Kind == DateTimeKind.Unspecified ? In(time, zone)
            : DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var exact) ? exact : null;
    }

    private static DateTimeOffset? Comment(string text)
    {
        if (AudioMoth().Match(text) is not { Success: true } match)
            return null;
        int Part(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
        return Made(Part(6), Part(5), Part(4), Part(1), Part(2), Part(3)) is { } time
            ? At(time, match.Groups[7].Value is { Length: > 0 } offset ? offset : "Z") : null;
    }

    private static DateTimeOffset? Bext(ReadOnlySpan<byte> chunk, int rate, TimeZoneInfo zone)
    {
        if (chunk.Length < BextReference + 8)
            return null;
        var text = Encoding.ASCII.GetString(chunk.Slice(BextDate, 18));
        if (BextStamp().Match(text) is not { Success: true } match)
            return null;
        int Part(int group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
        if (Made(Part(1), Part(2), Part(3), Part(4), Part(5), Part(6)) is not { } time)
            return null;

        // Samples since midnight say it to the sample, where they mean the same second.
        var reference = BinaryPrimitives.ReadUInt64LittleEndian(chunk[BextReference..]);
        var exact = rate > 0 && reference < 86_400UL * (ulong)rate ? time.Date.AddSeconds((double)reference / rate) : time;
        return In(Math.Abs((exact - time).TotalSeconds) < 2 ? exact : time, zone);
    }

    private static DateTime? Made(int year, int month, int day, int hour, int minute, int second) =>
        year is >= 1970 and < 2100 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month)
        && hour < 24 && minute < 60 && second < 60 ? new DateTime(year, month, day, hour, minute, second) : null;

    /// <summary>A time whose zone is known: Z, +02, -0330, +02:00.</summary>
    private static DateTimeOffset At(DateTime time, string offset)
    {
        if (offset == "Z")
            return new DateTimeOffset(time, TimeSpan.Zero);
        var parts = offset[1..].Split(':');
        var number = int.Parse(string.Concat(parts), CultureInfo.InvariantCulture);
        var (hours, minutes) = parts.Length == 2 || offset.Length == 5 ? Math.DivRem(number, 100) : (number, 0);
        var span = new TimeSpan(Math.Min(hours, 14), hours < 14 ? Math.Min(minutes, 59) : 0, 0);
        return new DateTimeOffset(time, offset[0] == '-' ? -span : span);
    }

    private static DateTimeOffset In(DateTime time, TimeZoneInfo zone) => new(time, zone.GetUtcOffset(time));

    [GeneratedRegex(@"(?<![0-9])([0-9]{4})[-_.]?([0-9]{2})[-_.]?([0-9]{2})[-_T $]([0-9]{2})[-_.:h]?([0-9]{2})[-_.:m]?([0-9]{2})(?![0-9])"
        + @"(?:[.,][0-9]+)?(Z|(?:-0[1-9]|-1[0-2]|\+0[0-9]|\+1[0-4]):?(?:00|15|30|45)(?![0-9]))?")] // other digits are a number
    private static partial Regex Stamp();

    [GeneratedRegex(@"\A[0-9A-Fa-f]{8}\z")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^Timestamp:\s*(\S+(?: [0-9:.]+)?)", RegexOptions.Multiline)]
    private static partial Regex GuanoTime();

    [GeneratedRegex(@"Recorded at ([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)? ([0-9]{2})/([0-9]{2})/([0-9]{4}) "
        + @"\(UTC([+-][0-9]{1,2}(?::[0-9]{2})?)?\)")]
    private static partial Regex AudioMoth();

    [GeneratedRegex(@"\A([0-9]{4})[-_: .]([0-9]{2})[-_: .]([0-9]{2})([0-9]{2})[-_: .]([0-9]{2})[-_: .]([0-9]{2})")]
    private static partial Regex BextStamp();
}
