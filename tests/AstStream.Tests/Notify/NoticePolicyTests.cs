using AstStream.Station.Notify;
using AstStream.Station.Targets;
using FsCheck.Xunit;

namespace AstStream.Tests.Notify;

public sealed class NoticePolicyTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 27, 23, 0, 0, TimeSpan.Zero);
    private int _ids;

    [Fact]
    public void Decide_LabelsStreamsScoresHoursAndDays_AllMustFit()
    {
        var policy = new NoticePolicy(
            [
                new EventRule("r", ["phone"])
                {
                    Labels = ["Dog"], Streams = ["porch*"], MinScore = 0.5, Hours = [DayTime.Parse("22:00-06:00")!],
                    Days = [DayOfWeek.Friday], Cooldown = TimeSpan.Zero,
                },
            ], (rule, _, label) => rule.Labels.Contains(label));
        bool Is(string label = "Dog", string stream = "porch1", double score = 0.5, DateTimeOffset? at = null) =>
            Decide(policy, label, stream, score, at).Count == 1;

        Assert.True(Is());
        Assert.False(Is(label: "Cat"));
        Assert.False(Is(stream: "yard"));
        Assert.False(Is(score: 0.49));
        Assert.False(Is(at: s_now.AddHours(-2)));
        Assert.False(Is(at: s_now.AddDays(1)));
        Assert.True(Is(at: s_now.AddHours(3))); // Friday's night is not over
        Assert.False(Is(at: s_now.AddHours(-21))); // Thursday's
    }

    [Fact]
    public void Decide_WithinACooldown_TellsOfEachLabelAndStreamOnce()
    {
        var policy = Policy(new EventRule("r", ["phone"]) { When = [NoticeMoment.Opened, NoticeMoment.Closed] });

        Assert.Single(Decide(policy, id: "a"));
        Assert.Single(Decide(policy, id: "a", moment: NoticeMoment.Closed));
        Assert.Empty(Decide(policy, id: "b", at: s_now.AddSeconds(59)));
        Assert.Empty(Decide(policy, id: "b", at: s_now.AddSeconds(59), moment: NoticeMoment.Closed));
        Assert.Single(Decide(policy, label: "Cat", at: s_now.AddSeconds(59)));
        Assert.Single(Decide(policy, stream: "yard", at: s_now.AddSeconds(59)));
        Assert.Single(Decide(policy, id: "c", at: s_now.AddSeconds(60)));
        Assert.Single(Decide(policy, id: "d", at: s_now.AddHours(-2))); // the clock was set back
    }

    [Fact]
    public void Decide_TwoRulesForOneTarget_TellItOnce()
    {
        var policy = Policy(
            new EventRule("first", ["phone"]) { Urgency = Urgency.Urgent }, new EventRule("second", ["phone", "mail", "mail"]));

        var entries = Decide(policy);

        Assert.Equal([("phone", "first"), ("mail", "second")], entries.Select(e => (e.Target, e.Rule)));
    }

    [Fact]
    public void Decide_MoreThanABurst_IsHeldUntilTheDigestIsDue()
    {
        var rule = new EventRule("r", ["phone"]) { Burst = 3, Within = TimeSpan.FromMinutes(5), Cooldown = TimeSpan.Zero };
        var policy = Policy(rule);
        List<bool> held = [.. Enumerable.Range(0, 20).Select(i => Decide(policy, now: s_now.AddSeconds(i))[0].IsHeld)];

        Assert.Equal([false, false, false, .. Enumerable.Repeat(true, 17)], held);
        Assert.Empty(policy.DueDigests(s_now.AddSeconds(302), isLast: false));
        Assert.Equal([(rule, "phone")], policy.DueDigests(s_now.AddSeconds(303), isLast: false));
        Assert.Equal([(rule, "phone")], policy.DueDigests(s_now.AddSeconds(30), isLast: true));
        Assert.True(Decide(policy, now: s_now.AddSeconds(310))[0].IsHeld); // in order: not before the digest
        policy.Gathered(rule, "phone", s_now.AddSeconds(311), hasMore: true);
        Assert.Equal([(rule, "phone")], policy.DueDigests(s_now.AddSeconds(611), isLast: false)); // what came meanwhile is not forgotten
        policy.Gathered(rule, "phone", s_now.AddSeconds(311), hasMore: false);
        Assert.Empty(policy.DueDigests(s_now.AddSeconds(999), isLast: true));
        Assert.False(Decide(policy, now: s_now.AddSeconds(312))[0].IsHeld);
    }

    [Property(MaxTest = 200)]
    public void Decide_RestartedAnywhere_DecidesAsWithoutARestart(byte[] steps, byte restart)
    {
        // Labels, streams and gaps of seconds: what a run decides, and what one decides that is killed and goes on from its outbox.
        EventRule[] rules =
        [
            new("a", ["phone"]) { Cooldown = TimeSpan.FromSeconds(40), Burst = 4, Within = TimeSpan.FromMinutes(2) },
            new("b", ["phone", "mail"]) { Cooldown = TimeSpan.FromSeconds(10), Burst = 2, Within = TimeSpan.FromSeconds(50) },
        ];
        var (whole, first) = (Policy(rules), Policy(rules));
        var (now, traces) = (s_now, new List<(DateTimeOffset, OutboxTrace)>());
        foreach (var (i, step) in steps.Index())
        {
            now = now.AddSeconds(step % 16);
            if (i == restart % Math.Max(1, steps.Length))
            {
                first = Policy(rules);
                foreach (var (made, trace) in traces)
                    first.Restore(made, trace);
            }

            var (label, stream) = ((step & 16) == 0 ? "Dog" : "Cat", (step & 32) == 0 ? "porch" : "yard");
            var expected = Decide(whole, label, stream, at: now, now: now, id: $"e{i}");
            var actual = Decide(first, label, stream, at: now, now: now, id: $"e{i}");
            Assert.Equal(expected.Select(e => (e.Target, e.Rule, e.IsHeld)), actual.Select(e => (e.Target, e.Rule, e.IsHeld)));
            traces.AddRange(actual.Select(e => (now, new OutboxTrace(
                e.Target, e.Rule, e.Label, e.Stream, now, e.IsHeld ? NoticeState.Held : NoticeState.Sent, $"e{i}"))));
        }
    }

    private static NoticePolicy Policy(params EventRule[] rules) => new(rules, (_, _, _) => true);

    private IReadOnlyList<OutboxEntry> Decide(
        NoticePolicy policy, string label = "Dog", string stream = "porch", double score = 0.9, DateTimeOffset? at = null,
        DateTimeOffset? now = null, string? id = null, NoticeMoment moment = NoticeMoment.Opened)
    {
        var time = at ?? s_now;
        var e = new EventFacts(id ?? $"{_ids++}", "model", label, stream, score, time);
        return policy.Decide(moment, e, u => new Notice($"{e.Id}-{moment}", "", "", "", u, time, "{}"), now ?? s_now, time.DateTime);
    }
}
