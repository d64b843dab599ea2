using Microsoft.Extensions.Logging;

namespace AstStream.Streaming.Telemetry;

/// <summary>The lines of a run.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Source}: {Message}")]
    public static partial void Failed(this ILogger log, string source, string message);

    [LoggerMessage(2, LogLevel.Warning, "{Source}: {Message}")]
    public static partial void Odd(this ILogger log, string source, string message);

    [LoggerMessage(
        3, LogLevel.Warning,
        "{Model}: more windows come from {Streams} live streams than can be scored; hops are stretched, of quiet and unimportant "
            + "streams first")]
    public static partial void OverloadBegins(this ILogger log, string model, int streams);

    [LoggerMessage(4, LogLevel.Information, "{Model}: the load is gone; hops are as configured again")]
    public static partial void OverloadEnds(this ILogger log, string model);

    [LoggerMessage(
        5, LogLevel.Warning, "{Model}: windows grew too old to be scored; their time is counted as lost (reported at most once a minute)")]
    public static partial void Expired(this ILogger log, string model);

    [LoggerMessage(6, LogLevel.Warning, "{Sink}: {Message}; tried again for {Seconds} s")]
    public static partial void SinkFails(this ILogger log, string sink, string message, double seconds);

    [LoggerMessage(7, LogLevel.Information, "{Sink}: writes again; nothing was left out")]
    public static partial void SinkRecovers(this ILogger log, string sink);

    [LoggerMessage(12, LogLevel.Error, "{Sink}: {Message}; this sink is out, the others go on; what comes for it is dropped and counted "
        + "until it writes again")]
    public static partial void SinkIsOut(this ILogger log, string sink, string message);

    [LoggerMessage(13, LogLevel.Warning, "{Sink}: writes again; it has missed {Missed} records")]
    public static partial void SinkIsBack(this ILogger log, string sink, long missed);

    [LoggerMessage(18, LogLevel.Warning, "this machine's clock was set by {Seconds:0.0} s; the times of events follow it from now on")]
    public static partial void ClockSet(this ILogger log, double seconds);

    [LoggerMessage(14, LogLevel.Information, "{Source}: {Message}")]
    public static partial void Noted(this ILogger log, string source, string message);

    [LoggerMessage(15, LogLevel.Error, "{Session}: {Message}; its windows go to other sessions, or wait until it is opened again")]
    public static partial void SessionFails(this ILogger log, string session, string message);

    [LoggerMessage(18, LogLevel.Information, "{Session}: {Description}")]
    public static partial void SessionOpens(this ILogger log, string session, string description);

    [LoggerMessage(16, LogLevel.Information, "{Session}: runs again")]
    public static partial void SessionRecovers(this ILogger log, string session);

    [LoggerMessage(
        17, LogLevel.Warning, "{Session}: a batch of {Windows} windows failed and is scored in smaller ones (reported at most once "
        + "a minute): {Message}")]
    public static partial void BatchSplits(this ILogger log, string session, int windows, string message);

    [LoggerMessage(8, LogLevel.Warning, "{Sink}: records are dropped (reported at most once a minute): {Why}")]
    public static partial void SinkDrops(this ILogger log, string sink, string why);

    [LoggerMessage(9, LogLevel.Information, "{File}: taken over: {Changes}")]
    public static partial void Reloaded(this ILogger log, string file, string changes);

    [LoggerMessage(EventId = 11, Message = "{Stream}: {State}: {Why}")]
    public static partial void SourceState(this ILogger log, LogLevel level, string stream, string state, string why);

    [LoggerMessage(10, LogLevel.Error, "{Problem}; the run goes on as it was")]
    public static partial void ReloadRefused(this ILogger log, string problem);
}
