using AstStream.Events.Unusual;
using AstStream.Streaming.Decoding;

namespace AstStream.Streaming.Definitions;

/// <summary>Which streams are listened to for sound that is unusual of them, as a definition says it.</summary>
internal static class UnusualDefinition
{
    private static readonly Key<double?> s_rate = Keys.Number(
        "rate", "How often a stream may sound unusual while it goes on as it did: alarms a day of sound; 2 by default.", 0.01, 1000);
    private static readonly Key<string?> s_data = Keys.Text(
        "data", "The folder that keeps what each stream usually sounds like; relative to this file. It is made where it is missing.",
        required: true);
    private static readonly Key<IReadOnlyList<string>?> s_streams = Keys.Texts(
        "streams", "The streams that are listened to so, by names or patterns with *; all by default. Each takes about half a megabyte of "
            + "memory and of disk with the default model.");
    private static readonly Key<TimeSpan?> s_learn = Keys.Duration(
        "learn", "How much sound of a stream is heard before its first alarm, 1h to 60d; 3d by default. The first third tells what it "
            + "sounds like, the rest how often it sounds otherwise.", TimeSpan.FromHours(1), TimeSpan.FromDays(60));

    public static readonly Key<SectionReader?> Key = Keys.Nested(
        "unusual", "Events of the label Unusual, where a stream sounds other than it usually does at that hour of the day: for what has no "
            + "label. Not where it is not given.", s_rate, s_data, s_streams, s_learn);

    /// <summary>Takes the values of a section; null where it says nothing of it.</summary>
    public static UnusualRule? Read(SectionReader events) => events.Get(Key) is not { } section ? null : new UnusualRule(
        section.Get(s_data) is { } data ? section.ResolveLinks(data) : "", section.Get(s_streams),
        new UnusualOptions(section.Get(s_rate) ?? 2, section.Get(s_learn) ?? TimeSpan.FromDays(3)));
}
