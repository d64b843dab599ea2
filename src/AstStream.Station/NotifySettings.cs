using AstStream.Model.Checkpoints;
using AstStream.Station.Notify;
using AstStream.Station.Targets;
using AstStream.Streaming.Definitions;

namespace AstStream.Station;

/// <summary>What a pipeline says of notifications: where they go, and of what they are.</summary>
public sealed record NotifySettings : SectionSettings
{
    private const string Section = "notify";

    private static readonly Dictionary<string, DayOfWeek> s_weekdays = new(StringComparer.Ordinal)
    {
        ["mon"] = DayOfWeek.Monday,
        ["tue"] = DayOfWeek.Tuesday,
        ["wed"] = DayOfWeek.Wednesday,
        ["thu"] = DayOfWeek.Thursday,
        ["fri"] = DayOfWeek.Friday,
        ["sat"] = DayOfWeek.Saturday,
        ["sun"] = DayOfWeek.Sunday,
    };

    private static readonly Dictionary<string, SystemCondition> s_conditions = new(StringComparer.Ordinal)
    {
        ["stream_away"] = SystemCondition.StreamAway,
        ["windows_lost"] = SystemCondition.WindowsLost,
        ["disk_low"] = SystemCondition.DiskLow,
    };

    private static readonly Key<string?> s_data = Keys.Text(
        "data", "The SQLite file in which notifications wait until they have arrived; relative to this file. Required without a station, "
            + "whose store has them otherwise.");
    private static readonly Key<string?> s_link = Keys.Text(
        "link", "Where people find the station's page, such as https://station.example.org: notifications link to their event there.");
    private static readonly Key<TimeSpan?> s_expire = Keys.Duration(
        "expire", "How long a notification that can't be delivered is tried; 1d by default.", TimeSpan.FromMinutes(1),
        TimeSpan.FromDays(30));
    private static readonly Key<IReadOnlyList<TypedReader<TargetType>>?> s_targets = Keys.Components(
        "targets", "Where notifications go, by names of your choice. aststream notify test PIPELINE.yaml NAME tries one.", TargetType.All,
        required: true);

    private static readonly Key<IReadOnlyList<string>?> s_to = Keys.Texts("to", "The targets; all by default.");
    private static readonly Key<IReadOnlyList<string>?> s_labels = Keys.Texts(
        "labels", "The labels, or views, whose events are sent, those below them included; all by default.");
    private static readonly Key<IReadOnlyList<string>?> s_streams = Keys.Texts(
        "streams", "Their streams, by names or patterns with *; all by default.");
    private static readonly Key<double?> s_minScore = Keys.Number("min_score", "Their least score; 0 by default.", 0, 1);
    private static readonly Key<IReadOnlyList<string>> s_when = Keys.Choices(
        "when", "opened (the default): as soon as an event has begun; closed: when it is over, with its length, and with a picture and its "
            + "sound where the target takes them; reviewed: when a person has said on the page what it is. Several as a list.",
        ["opened"], EnumWords.All<NoticeMoment>());
    private static readonly Key<IReadOnlyList<string>?> s_hours = Keys.Texts(
        "hours", "Parts of the day in local time, such as 22:00-06:00; the whole day by default.");
    private static readonly Key<IReadOnlyList<string>> s_days = Keys.Choices(
        "days", "Days of the week, by local time; all by default.", [], [.. s_weekdays.Keys]);
    private static readonly Key<TimeSpan?> s_cooldown = Keys.Duration(
        "cooldown", "How long after a notification of a label and stream further ones of both are left out; 1m by default.", TimeSpan.Zero,
        TimeSpan.FromDays(7));
    private static readonly Key<int> s_burst = Keys.Integer(
        "burst", "The most notifications of this rule that a target gets one by one within burst_within; 10 by default. More are counted "
            + "in one that follows: 17 × Dog in 5 min.", 10, 1, 1000);
    private static readonly Key<TimeSpan?> s_within = Keys.Duration(
        "burst_within", "The time that burst is of; 5m by default.", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
    private static readonly Key<string> s_urgency = Keys.Choice(
        "urgency", "How loudly the target is asked to tell: low, normal (the default), high or urgent.", "normal",
        EnumWords.All<Urgency>());
    private static readonly Key<IReadOnlyList<NamedReader>?> s_rules = Keys.Named(
        "rules", "Of which events notifications are, by names of your choice.", s_to, s_labels, s_streams, s_minScore, s_when, s_hours,
        s_days, s_cooldown, s_burst, s_within, s_urgency);

    private static readonly Key<IReadOnlyList<string>> s_of = Keys.Choices(
        "of", "What is watched; all by default. stream_away: a live source is away, stalled or failed, and back. windows_lost: sound was "
            + "not scored. disk_low: little is free where notifications and events are kept.", [.. s_conditions.Keys],
        [.. s_conditions.Keys]);
    private static readonly Key<TimeSpan?> s_away = Keys.Duration(
        "away_for", "How long a source must be away; 5m by default.", TimeSpan.FromSeconds(1), TimeSpan.FromDays(7));
    private static readonly Key<TimeSpan?> s_lost = Keys.Duration(
        "lost", "How much sound of a model must be lost within five minutes; 30s by default.", TimeSpan.FromSeconds(1),
        TimeSpan.FromDays(1));
    private static readonly Key<long?> s_free = Keys.Size(
        "free", "The disk space under which little is left; 2GB by default.", 1, 1_000_000_000_000_000);
    private static readonly Key<IReadOnlyList<NamedReader>?> s_system = Keys.Named(
        "system", "Notifications about the system itself, by names of your choice.", s_to, s_of, s_away, s_lost, s_free, s_urgency);

    /// <summary>The section as pipelines name it.</summary>
    public static readonly SectionType Type = new(
        Section, "Tells people and programs of events, and of faults: on a phone, by mail, by HTTP. What is due arrives at least once, in "
            + "order, also after a restart.", [s_data, s_link, s_expire, s_targets, s_rules, s_system], Read);

    /// <summary>The names of the targets, in the order of the file.</summary>
    public IReadOnlyList<string> TargetNames => [.. Options.Targets.Select(t => t.Name)];

    /// <summary>The file of its own, which a pipeline with a station does not need; empty where there is none.</summary>
    internal string Data { get; init; } = "";

    /// <summary>The rest.</summary>
    internal NoticeOptions Options { get; init; } = new() { Targets = [] };

    /// <inheritdoc/>
    public override IReadOnlyList<Resource> Resources => Data.Length > 0 ? [Resource.Writes(Data)] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<Peer> Peers => [.. Options.Targets.Select(t => t.Settings.Peer).OfType<Peer>()];

    /// <inheritdoc/>
    public override IReadOnlyList<LabelClaim> Labels => Claims;

    private IReadOnlyList<LabelClaim> Claims { get; init; } = [];

    /// <inheritdoc/>
    public override IEnumerable<(Key Key, string Message)> Check(PipelineDefinition pipeline)
    {
        var hasStation = pipeline.Section<StationSettings>() is not null;
        if (hasStation && Data.Length > 0)
            yield return (s_data, "is of no use beside a station, whose store keeps notifications; expected one of the two");
        if (!hasStation && Data.Length == 0)
            yield return (s_data, "is missing: without a station, notifications wait in a file of their own, such as notifications.db");
        if (!hasStation && Options.Rules.Any(r => r.When.Contains(NoticeMoment.Reviewed)))
            yield return (s_rules, "when: reviewed needs a station, whose page takes reviews");
    }

    private static NotifySettings Read(SectionReader section)
    {
        List<(string Name, TargetSettings Settings)> targets =
            [.. (section.Get(s_targets) ?? []).Select(t => (t.Name, t.Type.Read(t.Section)))];
        List<string> names = [.. targets.Select(t => t.Name)];
        var (rules, system) = (section.Get(s_rules) ?? [], section.Get(s_system) ?? []);
        if (rules.Count + system.Count == 0)
            section.Problem(s_rules, "no rule says of what notifications are; expected rules, system, or both");
        var link = section.Get(s_link);
        if (link is not null && !(Uri.TryCreate(link, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"))
            section.Problem(s_link, $"found '{link}'; expected an address such as https://station.example.org");
        return new NotifySettings
        {
            Data = section.Get(s_data) is { } data ? section.ResolveLinks(data) : "",
            Options = new NoticeOptions
            {
                Targets = targets,
                Rules = [.. rules.Select(r => Rule(r, names))],
                SystemRules = [.. system.Select(r => Rule(r.Name, r.Section, names))],
                Link = link?.TrimEnd('/'),
                Expire = section.Get(s_expire) ?? TimeSpan.FromDays(1),
            },
            Claims = [.. rules.Select(r => r.Section.Labels(s_labels))],
        };
    }

    private static EventRule Rule(NamedReader rule, List<string> targets)
    {
        var (section, hours) = (rule.Section, new List<DayTime>());
        foreach (var text in section.Get(s_hours) ?? [])
        {
            if (DayTime.Parse(text) is { } part)
                hours.Add(part);
            else
                section.Problem(s_hours, $"found '{text}'; expected two times of a day such as 22:00-06:00");
        }

        var usual = new EventRule(rule.Name, To(section, targets));
        return usual with
        {
            Labels = section.Get(s_labels) ?? [],
            Streams = section.Get(s_streams) ?? [],
            MinScore = section.Get(s_minScore) ?? 0,
            When = [.. section.Get(s_when).Select(EnumWords.Parse<NoticeMoment>)],
            Hours = hours,
            Days = [.. section.Get(s_days).Select(d => s_weekdays[d])],
            Cooldown = section.Get(s_cooldown) ?? usual.Cooldown,
            Burst = section.Get(s_burst),
            Within = section.Get(s_within) ?? usual.Within,
            Urgency = EnumWords.Parse<Urgency>(section.Get(s_urgency)),
        };
    }

    private static SystemRule Rule(string name, SectionReader section, List<string> targets)
    {
        var usual = new SystemRule(name, To(section, targets), [.. section.Get(s_of).Select(o => s_conditions[o])]);
        return usual with
        {
            AwayFor = section.Get(s_away) ?? usual.AwayFor,
            Lost = section.Get(s_lost) ?? usual.Lost,
            Free = section.Get(s_free) ?? usual.Free,
            Urgency = EnumWords.Parse<Urgency>(section.Get(s_urgency)),
        };
    }

    private static IReadOnlyList<string> To(SectionReader section, List<string> targets)
    {
        foreach (var name in (section.Get(s_to) ?? []).Except(targets))
            section.Problem(s_to, $"there is no target '{name}'{Nearest.Hint(name, targets)}");
        return section.Get(s_to) ?? targets;
    }
}
