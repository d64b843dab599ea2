using AstStream.Dsp;
using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Station.Notify;
using AstStream.Station.Store;
using AstStream.Station.Targets;
using AstStream.Streaming.Sinks;
using AstStream.Tests.Shared;
using AstStream.Tests.Station;

namespace AstStream.Tests.Notify;

/// <summary>From events to targets, over the store.</summary>
public sealed class NotifierTests : StoreTrial
{
    private readonly StreamIdentity _porch = new("porch", "mic", s_start);

    [Fact]
    public async Task Write_EventsOfSeveralKinds_ArriveInOrderWithWhatTheySay()
    {
        var target = new MadeTarget();
        await using var notifier = await OpenAsync([Rule(when: [NoticeMoment.Opened, NoticeMoment.Closed])], ("phone", target));

        await TakeAsync(
            notifier, Event("a1", _porch, 60, 61, EventState.Opened), Event("b2", _porch, 62, 63, EventState.Opened, "Cat\u202e"),
            Event("a1", _porch, 60, 64.3));

        Assert.Equal(["Dog · porch", "Cat\\u202E · porch", "Dog · porch"], await target.TitlesAsync(3));
        List<Notice> notices = [.. target.Taken.Select(t => t.Notice)];
        Assert.Equal(["a1-opened", "b2-opened", "a1-closed"], notices.Select(n => n.Id));
        Assert.Equal("since 00:31:00, score 0.75", notices[0].Text);
        Assert.Equal("00:31:00 to 00:31:04, 4.3 s, score 0.75", notices[2].Text);
        Assert.Equal("https://station/#events/a1", notices[0].Link);
        Assert.Equal(Json(Event("a1", _porch, 60, 64.3)), notices[2].Data);
    }

    [Fact]
    public async Task Write_ATargetThatIsAway_HoldsNoOtherAndGetsAllInOrder()
    {
        var isAway = true;
        var phone = new MadeTarget((_, _) => isAway ? throw new TargetException("away") : Task.CompletedTask);
        var mail = new MadeTarget();
        await using var notifier = await OpenAsync([Rule(cooldown: TimeSpan.Zero)], ("phone", phone), ("mail", mail));

        await TakeAsync(notifier, [.. Enumerable.Range(0, 5).Select(i => Event($"{i:x2}", _porch, i, i + 1, EventState.Opened))]);
        await mail.TitlesAsync(5);
        Assert.Empty(phone.Taken);
        isAway = false;

        await phone.TitlesAsync(5);
        Assert.Equal(Enumerable.Range(0, 5).Select(i => $"{i:x2}-opened"), phone.Taken.Select(t => t.Notice.Id));
    }

    [Fact]
    public async Task Dispose_BeforeATargetTakesThem_TheNextRunDeliversThemOnce()
    {
        var never = new MadeTarget((_, c) => Task.Delay(Timeout.Infinite, c));
        await using (var notifier = await OpenAsync([Rule(cooldown: TimeSpan.Zero)], ("phone", never)))
            await TakeAsync(notifier, Event("a1", _porch, 1, 2, EventState.Opened), Event("b2", _porch, 3, 4, EventState.Opened));

        var phone = new MadeTarget();
        await using (var again = await OpenAsync([Rule(cooldown: TimeSpan.Zero)], ("phone", phone)))
        {
            await TakeAsync(again, Event("a1", _porch, 1, 2, EventState.Opened), Event("c3", _porch, 5, 6, EventState.Opened));
            await phone.TitlesAsync(3);
            await again.CompleteAsync(CancellationToken.None);
        }

        Assert.Equal(["a1-opened", "b2-opened", "c3-opened"], phone.Taken.Select(t => t.Notice.Id));
        await using var third = await OpenAsync([Rule()], ("phone", phone));
        await third.CompleteAsync(CancellationToken.None);
        Assert.Equal(3, phone.Taken.Count);
    }

    [Fact]
    public async Task Write_ANoticeThatIsRefused_TheNextOnesGoOn()
    {
        var report = new MemoryReport();
        var phone = new MadeTarget((n, _) => n.Id.StartsWith("a1", StringComparison.Ordinal)
            ? throw new TargetException("a test answers 400", isRefused: true) : Task.CompletedTask);
        await using var notifier = await OpenAsync([Rule(cooldown: TimeSpan.Zero)], report, ("phone", phone));

        await TakeAsync(notifier, Event("a1", _porch, 1, 2, EventState.Opened), Event("b2", _porch, 3, 4, EventState.Opened));
        await notifier.CompleteAsync(CancellationToken.None);

        Assert.Equal(["b2-opened"], phone.Taken.Select(t => t.Notice.Id));
        Assert.Contains("phone: 'Dog · porch' is not delivered: a test answers 400", report.Lines);
    }

    [Fact]
    public async Task Complete_ABurst_EndsInADigestThatCounts()
    {
        var phone = new MadeTarget();
        await using var notifier = await OpenAsync([Rule(cooldown: TimeSpan.Zero) with { Burst = 2 }], ("phone", phone));

        await TakeAsync(notifier, [.. Enumerable.Range(0, 19).Select(
            i => Event($"{i:x2}", i == 18 ? new StreamIdentity("yard", "mic", s_start) : _porch, i, i + 1, EventState.Opened))]);
        await notifier.CompleteAsync(CancellationToken.None);

        Assert.Equal(["Dog · porch", "Dog · porch", "17 × Dog in 5 min"], await phone.TitlesAsync(3));
        Assert.Equal("00:30:02 to 00:30:18: 16 × porch, 1 × yard", phone.Taken.Last().Notice.Text);
    }

    [Fact]
    public async Task Write_AnEventThatClosed_WaitsForItsClipAndOthersPassIt()
    {
        var phone = new MadeTarget { Attachments = Wanted.Picture | Wanted.Sound };
        var clips = Directory.CreateDirectory(Path.Combine(_folder, "clips")).FullName;
        await using var store = NoticeStore.Own(Store, TimeProvider.System);
        await using var notifier = await OpenAsync(
            [Rule(cooldown: TimeSpan.Zero, when: [NoticeMoment.Opened, NoticeMoment.Closed])], new MemoryReport(), store, clips,
            ("phone", phone));

        await TakeAsync(notifier, Event("a1", _porch, 1, 2), Event("b2", _porch, 3, 4, EventState.Opened));
        await phone.TitlesAsync(1);
        Assert.Equal("b2-opened", Assert.Single(phone.Taken).Notice.Id);
        WriteClip(Path.Combine(clips, "a1.wav"));
        store.Use(w => w.Add([new StoredClip("a1", _porch, 0, 16_000, 32_000, "a1.wav", 64_044) { Events = ["a1"] }]));

        await phone.TitlesAsync(2);
        var (notice, files) = phone.Taken.Last();
        Assert.Equal(("a1-closed", Path.Combine(clips, "a1.wav")), (notice.Id, files.Sound));
        Assert.Equal<byte>([0x89, (byte)'P', (byte)'N', (byte)'G'], files.Picture![..4]);
    }

    [Theory]
    [InlineData("all", "1 × Dog in 5 min")]
    [InlineData("another", "Dog · porch")] // no rule makes its digest any more
    public async Task Open_WhatWasHeldLongBefore_IsSent(string rule, string title)
    {
        var first = new MadeTarget();
        await using (var notifier = await OpenAsync([Rule(cooldown: TimeSpan.Zero) with { Burst = 1 }], ("phone", first)))
        {
            await TakeAsync(notifier, Event("a1", _porch, 1, 2, EventState.Opened), Event("b2", _porch, 3, 4, EventState.Opened));
            await first.TitlesAsync(1);
            await Task.Delay(200); // and it is noted that it has arrived
        }

        Run(Store, "UPDATE notifications SET made = made - 600 * 10000000"); // ten minutes, twice the burst's time
        var phone = new MadeTarget();
        await using var again = await OpenAsync([Rule() with { Name = rule }], ("phone", phone));

        Assert.Equal([title], await phone.TitlesAsync(1));
    }

    [Fact]
    public async Task Write_ATargetWithAMistake_IsTriedAgainAndTheRunEnds()
    {
        var (report, tries) = (new MemoryReport(), 0);
        var phone = new MadeTarget((_, _) => tries++ == 0 ? throw new FormatException("a mistake") : Task.CompletedTask);
        await using var notifier = await OpenAsync([Rule()], report, ("phone", phone));

        await TakeAsync(notifier, Event("a1", _porch, 1, 2, EventState.Opened));

        Assert.Equal(["Dog · porch"], await phone.TitlesAsync(1));
        Assert.Contains(report.Lines, l => l.Contains("a test: FormatException: a mistake", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Open_WhatIsTooOld_IsNotSentAnyMore()
    {
        var never = new MadeTarget((_, c) => Task.Delay(Timeout.Infinite, c));
        await using (var notifier = await OpenAsync([Rule()], ("phone", never)))
            await TakeAsync(notifier, Event("a1", _porch, 1, 2, EventState.Opened));
        Run(Store, "UPDATE notifications SET made = made - 2 * 864000000000");
        var (phone, report) = (new MadeTarget(), new MemoryReport());

        await using (var again = await OpenAsync([Rule()], report, ("phone", phone)))
            await again.CompleteAsync(CancellationToken.None);

        Assert.Empty(phone.Taken);
        Assert.Contains("1 notifications of before are too old to be sent", report.Lines);
    }

    [Fact]
    public async Task Open_AFileThatAnotherRunHas_IsRefused()
    {
        await using var first = await OpenAsync([Rule()], ("phone", new MadeTarget()));

        var e = await Assert.ThrowsAsync<SinkException>(() => OpenAsync([Rule()], ("phone", new MadeTarget())));

        Assert.Contains("can't be had by this run", e.Message, StringComparison.Ordinal);
    }

    private static EventRule Rule(TimeSpan? cooldown = null, NoticeMoment[]? when = null)
    {
        var rule = new EventRule("all", ["phone", "mail"]);
        return rule with { Cooldown = cooldown ?? rule.Cooldown, When = when ?? rule.When };
    }

    private Task<Notifier> OpenAsync(EventRule[] rules, params (string Name, MadeTarget Target)[] targets) =>
        OpenAsync(rules, new MemoryReport(), targets);

    private Task<Notifier> OpenAsync(EventRule[] rules, MemoryReport report, params (string Name, MadeTarget Target)[] targets) =>
        OpenAsync(rules, report, NoticeStore.Own(Store, TimeProvider.System), null, targets);

    private async Task<Notifier> OpenAsync(
        EventRule[] rules, MemoryReport report, NoticeStore store, string? clips, params (string Name, MadeTarget Target)[] targets)
    {
        List<string> names = [.. targets.Select(t => t.Name)];
        var notifier = new Notifier(
            new NoticeOptions
            {
                Targets = [.. targets.Select(t => (t.Name, (TargetSettings)new MadeTarget.Settings(t.Target)))],
                Rules = [.. rules.Select(r => r with { To = [.. r.To.Intersect(names)] })],
                Link = "https://station",
            },
            store, (_, _, _) => true, clips is null ? null : file => ClipFolder.FullPath(clips, file), new ShiftedTime(_time))
        {
            Report = report,
        };
        try
        {
            await notifier.OpenAsync(CancellationToken.None);
            return notifier;
        }
        catch
        {
            await notifier.DisposeAsync();
            throw;
        }
    }

    private static async Task TakeAsync(Notifier notifier, params SoundEvent[] events)
    {
        foreach (var e in events)
            await notifier.WriteAsync(e, CancellationToken.None);
        await notifier.FlushAsync(CancellationToken.None);
    }

    private static void WriteClip(string path)
    {
        using var wav = new WavWriter(path, 16_000, 1);
        wav.Write([.. Enumerable.Range(0, 32_000).Select(i => (float)(0.3 * Math.Sin(i * 0.2)))]);
    }

    /// <summary>Time that passes, in the trial's zone and from its start.</summary>
    private sealed class ShiftedTime(TimeProvider trial) : TimeProvider
    {
        private readonly TimeSpan _shift = trial.GetUtcNow() - System.GetUtcNow();

        public override TimeZoneInfo LocalTimeZone => trial.LocalTimeZone;

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _shift;
    }
}
