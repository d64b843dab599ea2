using System.Globalization;
using AstStream.Station.Notify;

namespace AstStream.Tests.Notify;

public sealed class NotifySettingsTests : NotifyTrial
{
    private const string Ntfy = "phone: {type: ntfy, topic: home}";

    [Fact]
    public void Read_AllThatARuleCanSay_IsTaken()
    {
        var (settings, problems) = Read($$"""
            data: n.db
            link: https://station.example.org/
            expire: 2h
            targets: { {{Ntfy}}, mail: {type: email, host: localhost, from: a@b.org, to: [c@d.org] } }
            rules:
              night: {to: phone, labels: [Bark], streams: porch*, min_score: 0.6, when: [opened, closed], hours: 22:00-06:00,
                days: [sat, sun], cooldown: 5m, burst: 3, burst_within: 1m, urgency: urgent}
            system: {faults: {of: disk_low, free: 5GB} }
            """);

        Assert.Empty(problems);
        Assert.Equal(["phone", "mail"], settings.TargetNames);
        var rule = Assert.Single(settings.Options.Rules);
        Assert.Equal(["phone"], rule.To);
        Assert.Equal((3, TimeSpan.FromMinutes(5), 0.6), (rule.Burst, rule.Cooldown, rule.MinScore));
        Assert.Equal([NoticeMoment.Opened, NoticeMoment.Closed], rule.When);
        Assert.Equal([DayOfWeek.Saturday, DayOfWeek.Sunday], rule.Days);
        Assert.Equal("https://station.example.org", settings.Options.Link);
        var system = Assert.Single(settings.Options.SystemRules);
        Assert.Equal(["phone", "mail"], system.To);
        Assert.Equal(5_000_000_000L, system.Free);
    }

    [Theory]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfi, topic: x}}\nrules: {all: {}}", "unknown type 'ntfi'; did you mean 'ntfy'?")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy}}\nrules: {all: {}}", "key 'topic' is missing")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a/b}}\nrules: {all: {}}", "is no topic; expected letters")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a, url: ftp://x}}\nrules: {all: {}}", "is no address of a server")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a, token: \"x\\ny\"}}\nrules: {all: {}}", "expected the token alone")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a, user: me}}\nrules: {all: {}}", "stands alone; expected user and")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a, ca: no.pem}}\nrules: {all: {}}", "'no.pem' can't be read")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a, attach: [none, sound]}}\nrules: {all: {}}", "says none and more")]
    [InlineData("data: n.db\ntargets: {a: {type: webhook, url: http://x, secret: short}}\nrules: {all: {}}", "expected at least 16")]
    [InlineData("data: n.db\ntargets: {a: {type: webhook, url: http://x, secret: whsec_!}}\nrules: {all: {}}", "is no base64 after that")]
    [InlineData("data: n.db\ntargets: {a: {type: email, host: h, from: a@b, to: ['x y']}}\nrules: {all: {}}", "found 'x y'; expected addr")]
    [InlineData("data: n.db\ntargets: {a: {type: command, run: notify-send}}\nrules: {all: {}}", "expected the program's full path first")]
    [InlineData("data: n.db\ntargets: {a: {type: command, run: /no/such}}\nrules: {all: {}}", "there is no program /no/such")]
    [InlineData("data: n.db\ntargets: {a: {type: apprise, url: http://x}}\nrules: {all: {}}", "expected one of key and urls")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nrules: {all: {to: fone}}", "'fone'; did you mean 'phone'?")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nrules: {all: {hours: 22-6}}", "found '22-6'; expected two times")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nrules: {all: {days: monday}}", "found 'monday'")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nrules: {all: {when: reviewed}}", "needs a station")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nrules: {all: {lables: Dog}}", "did you mean 'labels'?")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}", "no rule says of what notifications are")]
    [InlineData("data: n.db\ntargets: {phone: {type: ntfy, topic: a}}\nlink: here\nrules: {all: {}}", "found 'here'; expected an address")]
    [InlineData("targets: {phone: {type: ntfy, topic: a}}\nrules: {all: {}}", "without a station, notifications wait in a file")]
    [InlineData("data: n.db\nrules: {all: {}}", "key 'targets' is missing")]
    [InlineData("data: n.db\ntargets: {}\nrules: {all: {}}", "notify.targets: is empty")]
    public void Read_Mistakes_SaysWhereAndWhatIsExpected(string notify, string message)
    {
        var (_, problems) = Read(notify);

        Assert.Contains(problems, p => p.Contains(message, StringComparison.Ordinal) && p.Contains("p.yaml:", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_AFileOfItsOwnBesideAStation_IsRefused()
    {
        var (_, problems) = Read($"data: n.db\ntargets: {{{Ntfy}}}\n{Rules}", "station: {data: s}\n");

        Assert.Contains("of no use beside a station", Assert.Single(problems), StringComparison.Ordinal);
        Assert.Empty(Read($"targets: {{{Ntfy}}}\n{Rules}", "station: {data: s}\n").Problems);
    }

    [Theory]
    [InlineData("22:00-06:00", "22:00", "2026-11-27T22:00")]
    [InlineData("22:00-06:00", "05:59", "2026-11-26T22:00")]
    [InlineData("22:00-06:00", "00:00", "2026-11-26T22:00")]
    [InlineData("22:00-06:00", "06:00", null)]
    [InlineData("22:00-06:00", "12:00", null)]
    [InlineData("08:00-24:00", "23:59", "2026-11-27T08:00")]
    [InlineData("08:00-24:00", "00:00", null)]
    [InlineData("08:00 - 09:30", "09:29", "2026-11-27T08:00")]
    public void BeginOf_PartsOfADayOverMidnightOrNot_IsOnTheirFirstDay(string text, string time, string? begin) =>
        Assert.Equal(
            begin, DayTime.Parse(text)!.BeginOf(DateTime.Parse($"2026-11-27T{time}", CultureInfo.InvariantCulture))
                ?.ToString("yyyy-MM-ddTHH:mm", CultureInfo.InvariantCulture));
}
