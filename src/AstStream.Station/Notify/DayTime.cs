using System.Globalization;

namespace AstStream.Station.Notify;

/// <summary>A part of every day, such as 22:00-06:00: over midnight where its end is earlier than its beginning.</summary>
/// <param name="From">The first.</param>
/// <param name="To">The end, exclusive; 00:00 for midnight.</param>
internal sealed record DayTime(TimeOnly From, TimeOnly To)
{
    /// <summary>Reads it; null for no such thing.</summary>
    public static DayTime? Parse(string text)
    {
        static bool IsTime(string part, out TimeOnly time) =>
            TimeOnly.TryParseExact(part, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out time);
        return text.Split('-') is [var from, var to] && IsTime(from.Trim(), out var first)
            && (IsTime(to.Trim(), out var last) || to.Trim() == "24:00") && first != last ? new DayTime(first, last) : null;
    }

    /// <summary>When it began, of a time that is in it; null for another time.</summary>
    public DateTime? BeginOf(DateTime local)
    {
        var time = TimeOnly.FromDateTime(local);
        if (!time.IsBetween(From, To))
            return null;
        return (time < From ? local.Date.AddDays(-1) : local.Date) + From.ToTimeSpan();
    }
}
