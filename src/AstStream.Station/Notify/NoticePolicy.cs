using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>
/// Which notifications are due: rules, cool-downs, bursts. Knows no target and no store; what it decided before a restart is given to it.
/// For one thread at a time.
/// </summary>
/// <param name="rules">The rules, in the order of the definition.</param>
/// <param name="isLabelOf">Whether a label of a model is one that a rule names.</param>
internal sealed class NoticePolicy(IReadOnlyList<EventRule> rules, Func<EventRule, string, string, bool> isLabelOf)
{
    private const int MostLabels = 10_000; // labels of streams that are remembered, for each rule

    private static readonly TimeSpan s_earlier = TimeSpan.FromHours(1); // another recording, or a clock that was set back

    private readonly Dictionary<string, Dictionary<(string Label, string Stream), (DateTimeOffset Time, string? Event)>> _last =
        rules.ToDictionary(r => r.Name, _ => new Dictionary<(string, string), (DateTimeOffset, string?)>(), StringComparer.Ordinal);

    private readonly Dictionary<(string Rule, string Target), Burst> _bursts =
        rules.SelectMany(r => r.To.Distinct(StringComparer.Ordinal).Select(t => (r, t)))
            .ToDictionary(x => (x.r.Name, x.t), x => new Burst(x.r.Burst, x.r.Within));

    /// <summary>How far back it must know what it decided.</summary>
    public TimeSpan Reach => rules.Count == 0 ? TimeSpan.Zero : rules.Max(r => r.Cooldown > r.Within ? r.Cooldown : r.Within);

    /// <summary>Remembers what was decided before a restart.</summary>
    /// <param name="made">When.</param>
    /// <param name="trace">What.</param>
    public void Restore(DateTimeOffset made, OutboxTrace trace)
    {
        if (_bursts.TryGetValue((trace.Rule, trace.Target), out var burst) && trace.State != NoticeState.Gathered)
            burst.Restore(made, trace.State == NoticeState.Held);
        if (trace.EventId is not null && _last.TryGetValue(trace.Rule, out var last))
            last[(trace.Label, trace.Stream)] = (trace.Time, trace.EventId);
    }

    /// <summary>The notifications that a moment of an event asks for, one a target.</summary>
    /// <param name="moment">The moment.</param>
    /// <param name="e">What is known of the event.</param>
    /// <param name="notice">Makes what is sent.</param>
    /// <param name="now">The time.</param>
    /// <param name="local">The time of the event, as the rules' hours and days are meant.</param>
    public IReadOnlyList<OutboxEntry> Decide(
        NoticeMoment moment, EventFacts e, Func<Urgency, Notice> notice, DateTimeOffset now, DateTime local)
    {
        List<OutboxEntry>? entries = null;
        foreach (var rule in rules)
        {
            if (!rule.When.Contains(moment) || !rule.Wants(e.Stream, e.Score, local) || !isLabelOf(rule, e.Model, e.Label)
                || (moment != NoticeMoment.Reviewed && IsCooling(rule, e)))
                continue;
            entries ??= [];
            foreach (var target in rule.To.Distinct(StringComparer.Ordinal).ExceptBy(entries.Select(n => n.Target), t => t).ToList())
                entries.Add(new OutboxEntry(
                    target, rule.Name, e.Label, e.Stream, notice(rule.Urgency), _bursts[(rule.Name, target)].Holds(now)));
        }

        return entries ?? (IReadOnlyList<OutboxEntry>)[];
    }

    /// <summary>The rules and targets whose digest is due.</summary>
    /// <param name="now">The time.</param>
    /// <param name="isLast">Whether none comes any more: all that is held is due.</param>
    public IReadOnlyList<(EventRule Rule, string Target)> DueDigests(DateTimeOffset now, bool isLast) =>
        [.. _bursts.Where(b => b.Value.IsDue(now) || (isLast && b.Value.HasHeld))
            .Select(b => (rules.First(r => r.Name == b.Key.Rule), b.Key.Target))];

    /// <summary>A digest was made.</summary>
    /// <param name="rule">Of this rule.</param>
    /// <param name="target">For this target.</param>
    /// <param name="now">When.</param>
    /// <param name="hasMore">Whether more are held already, for the next one.</param>
    public void Gathered(EventRule rule, string target, DateTimeOffset now, bool hasMore) =>
        _bursts[(rule.Name, target)].Gathered(now, hasMore);

    /// <summary>
    /// Whether an event of the label was sent of the stream lately, by the time of the sound. The event that was sent may be sent again,
    /// as when it closes.
    /// </summary>
    private bool IsCooling(EventRule rule, EventFacts e)
    {
        var (last, key) = (_last[rule.Name], (e.Label, e.Stream));
        if (last.TryGetValue(key, out var sent))
        {
            if (sent.Event == e.Id)
                return false;
            var since = e.Time - sent.Time;
            if (since < rule.Cooldown && since > -s_earlier)
                return true;
        }

        if (last.Count >= MostLabels)
        {
            foreach (var old in last.OrderBy(l => l.Value.Time).Take(MostLabels / 2).Select(l => l.Key).ToList())
                last.Remove(old);
        }

        last[key] = (e.Time, e.Id);
        return false;
    }
}
