namespace AstStream.Station.Store;

/// <summary>The events of a label on a day.</summary>
/// <param name="Day">The day, as the calendar had it where they were stored.</param>
/// <param name="Label">The label.</param>
/// <param name="Events">How many began then.</param>
/// <param name="Seconds">How long they were together.</param>
public sealed record DayCount(DateOnly Day, string Label, long Events, double Seconds);
