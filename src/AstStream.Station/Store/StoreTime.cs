namespace AstStream.Station.Store;

/// <summary>Times as a store keeps them: UTC, in units of 100 ns since 1970.</summary>
internal static class StoreTime
{
    public static long Of(DateTimeOffset time) => time.UtcTicks - DateTime.UnixEpoch.Ticks;

    public static DateTimeOffset From(long time) => new(time + DateTime.UnixEpoch.Ticks, TimeSpan.Zero);

    /// <summary>The day of a time in a time zone, counted from 0001-01-01.</summary>
    public static int Day(long time, TimeZoneInfo zone) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(From(time), zone).DateTime).DayNumber;
}
