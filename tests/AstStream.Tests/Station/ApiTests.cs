using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using AstStream.Dsp.Levels;
using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Streaming.Sources;
using AstStream.Tests.Architecture;

namespace AstStream.Tests.Station;

/// <summary>What the API says of a store and of a run.</summary>
public sealed class ApiTests : WebTrial
{
    private readonly StreamIdentity _yard = new("yard", "mic", s_start);

    [Fact]
    public async Task Events_MoreThanAPage_AreAllGivenOnceTheLatestFirst()
    {
        Keep(Enumerable.Range(0, 25).Select(i => Event($"{i:x4}", _yard, i, i + 1, label: i % 2 == 0 ? "Dog" : "Cat")));
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await GetAsync($"/events?label=Dog&limit=5{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event").GetProperty("id").GetString()!));
            cursor = page.TryGetProperty("next", out var next) ? next.GetString() : null;
        }
        while (cursor is not null && seen.Count < 100);

        Assert.Equal(Enumerable.Range(0, 13).Select(i => $"{24 - (2 * i):x4}"), seen);
    }

    [Theory]
    [InlineData("/levels?stream=yard&since=2026-01-02&until=2026-01-01", "until: expected a time after since")]
    [InlineData("/levels?stream=yard&since=2026-01-01&until=2026-01-02&limit=0", "expected limit from 1 to 10080")]
    [InlineData("/events?limit=0", "limit: expected 1 to 2000")]
    [InlineData("/events/worth-a-look?limit=0", "limit: expected 1 to 2000")]
    [InlineData("/events?cursor=x", "cursor: expected the next of an answer before")]
    [InlineData("/events?min_score=2", "min_score: expected a number from 0 to 1")]
    [InlineData("/events?verdict=maybe", "verdict: expected none, right, wrong or other_label")]
    [InlineData("/events?since=yesterday", "since: found 'yesterday'; expected what the OpenAPI document says")]
    [InlineData("/events/export?format=xls", "format: expected one of csv, json, raven, audacity")]
    [InlineData("/events/export?format=audacity", "expected stream=NAME")]
    [InlineData("/days?first=2026-05-02&last=2026-05-01", "expected 1 to 3700 days")]
    [InlineData("/coverage?stream=yard&since=2026-05-02T00:00:00Z&until=2026-05-01T00:00:00Z", "until: expected a time after since")]
    public async Task Get_WrongQueries_AreProblemsThatSayWhatIsExpected(string path, string message)
    {
        var (status, detail) = await TryAsync(Request(HttpMethod.Get, path));

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(message, detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reviews_SaidAndTakenBack_AreWhatTheEventsShow()
    {
        Keep(Event("0a", _yard, 0, 1), Event("0b", _yard, 2, 3));

        var result = await SendAsync(new { event_ids = (string[])["0a", "0b", "0c"], verdict = "wrong", by = "ann" });
        Assert.Equal(2, result.GetProperty("reviewed").GetInt32());
        Assert.Equal(["0c"], result.GetProperty("missing").EnumerateArray().Select(m => m.GetString()));
        var review = (await GetAsync("/events/0a")).GetProperty("review");
        Assert.Equal(("wrong", "ann"), (review.GetProperty("verdict").GetString(), review.GetProperty("by").GetString()));
        await SendAsync(new { event_ids = (string[])["0a"], verdict = "withdrawn" });
        await SendAsync(new { event_ids = (string[])["0b"], verdict = "other_label", label = "Cat" });

        Assert.False((await GetAsync("/events/0a")).TryGetProperty("review", out _));
        Assert.Equal(["0a"], await IdsAsync("/events?verdict=none"));
        Assert.Equal(["0b"], await IdsAsync("/events?verdict=other_label"));
        var export = await Client.GetStringAsync(new Uri("/api/v1/events/export?format=csv&verdict=other_label", UriKind.Relative));
        Assert.Contains("Cat", export, StringComparison.Ordinal);
        (object Body, string Message)[] mistakes =
        [
            (new { event_ids = Array.Empty<string>(), verdict = "right" }, "event_ids: expected 1 to 500 ids"),
            (new { event_ids = (string[])["0a"], verdict = "perhaps" }, "verdict: expected right"),
            (new { event_ids = (string[])["0a"], verdict = "other_label" }, "label: expected with other_label"),
            (new { event_ids = (string[])["0a"], verdict = "right", by = " " }, "by: expected 1 to 200 characters"),
            (new { verdict = "right" }, "event_ids"),
        ];
        foreach (var (body, message) in mistakes)
        {
            var (status, detail) = await TryAsync(Request(HttpMethod.Post, "/reviews", body));
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains(message, detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Clip_OfAnEvent_IsServedByItsIdAndInRanges()
    {
        Keep(Event("0a", _yard, 5, 6));
        Directory.CreateDirectory(Path.Combine(Clips, "day"));
        byte[] sound = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];
        await File.WriteAllBytesAsync(Path.Combine(Clips, "day", "0a.flac"), sound);
        await File.WriteAllTextAsync(Path.Combine(_folder, "secret.flac"), "nobody's");
        Sink.Use(w =>
        {
            w.Add([new StoredClip("0a", _yard, 2 * 48_000, 48_000, 7 * 48_000, "day/0a.flac", 1000)
            {
                Events = ["0a"],
                Scores = [new ScoreCurve("model", "Dog", [2.56, 3.555], [0.25f, 0.87654f])],
            }]);
            w.Add([new StoredClip("0e", _yard, 0, 48_000, 48_000, "../secret.flac", 8) { Events = ["0e"] }]);
        });

        Assert.Equal("0a", (await GetAsync("/events/0a")).GetProperty("clip").GetString());
        var clip = await GetAsync("/clips/0a");
        Assert.Equal((2, 7), (clip.GetProperty("start").GetDouble(), clip.GetProperty("seconds").GetDouble()));
        Assert.Equal(
            """[{"model":"model","label":"Dog","times":[2.56,3.56],"scores":[0.25,0.877]}]""", clip.GetProperty("scores").GetRawText());
        var request = Request(HttpMethod.Get, "/clips/0a/sound");
        request.Headers.Range = new RangeHeaderValue(10, 19);
        using var response = await Client.SendAsync(request);
        Assert.Equal((HttpStatusCode.PartialContent, "audio/flac"), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
        Assert.Equal(sound[10..20], await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.NoContent, (await TryAsync(Request(HttpMethod.Put, "/clips/0a/pin", new { pinned = true }))).Status);
        Assert.True((await GetAsync("/clips/0a")).GetProperty("pinned").GetBoolean());
        var (status, detail) = await TryAsync(Request(HttpMethod.Get, "/clips/0e/sound"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "a file can't be read"), (status, detail));
        foreach (var path in (string[])["/clips/0f", "/clips/0f/sound", "/clips/..%2f..%2fsecret.flac/sound", "/events/0f"])
            Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(Request(HttpMethod.Get, path))).Status);
    }

    [Fact]
    public async Task Streams_OfARun_SayWhatTheyHearNow()
    {
        var stream = new StreamInfo("<b>yard</b>", "mic");
        var live = Streams.Begin(stream);
        live.Take(new DecidedPiece
        {
            Model = "model",
            State = CoverageState.Analysed,
            Until = 16_000,
            Start = 0,
            End = 16_000,
            Scores = [0.2f, 0.8f],
            Labels = ["Dog", "Cat"],
            Thresholds = [0.5f, float.PositiveInfinity],
        });
        Streams.Begin(new StreamInfo("attic", "mic"));

        var page = await GetAsync("/streams?match=*yard*");

        Assert.Equal(1, page.GetProperty("total").GetInt32());
        var item = page.GetProperty("streams")[0];
        Assert.Equal("<b>yard</b>", item.GetProperty("name").GetString());
        Assert.Equal(
            ["Cat 0.8 ", "Dog 0.2 0.5"], item.GetProperty("hears").EnumerateArray().Select(
                h => $"{h.GetProperty("label")} {h.GetProperty("score")} {(h.TryGetProperty("threshold", out var t) ? t : "")}"));
    }

    [Fact]
    public async Task Ready_TheStoreCantBeWrittenTo_IsNotAndSaysIt()
    {
        async Task<HttpStatusCode> Ready() => (await Client.GetAsync(new Uri("/health/ready", UriKind.Relative))).StatusCode;
        async Task<string?> Trouble() =>
            (await GetAsync("/health")).GetProperty("troubles").EnumerateArray().Select(t => t.GetString()).FirstOrDefault();
        _report.SinkBegins("station");
        Assert.Equal(HttpStatusCode.OK, await Ready());

        _report.SinkFails("station", "the disk is full", TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ready());
        Assert.Equal("The sink station can't write at the moment; what comes for it waits.", await Trouble());

        _report.SinkIsOut("station", "the disk is full");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await Ready());

        _report.SinkRecovers("station", 0);
        Assert.Equal(HttpStatusCode.OK, await Ready());
    }

    [Fact]
    public async Task Levels_OfAStream_AreGivenByMinuteInTheirUnit()
    {
        StoredLevels Minute(int i, double? calibration) => new(
            _yard, s_start.AddMinutes(i), new LevelSummary(60, -40.26, -20, -35, -50, [-60, -55.5f]), calibration);
        Sink.Use(s => s.Add([Minute(0, null), Minute(1, 110), Minute(2, 110)]));
        const string day = "/levels?stream=yard&since=2026-11-26T22:30:00Z&until=2026-11-27T22:30:00Z";

        var page = await GetAsync(day + "&bands=true&limit=2");
        Assert.Equal([25, 31.5], page.GetProperty("bands").EnumerateArray().Select(b => b.GetDouble()));
        Assert.Equal(
            ["2026-11-26T22:30:00Z -40.3 -20 dBFS", "2026-11-26T22:31:00Z 69.7 90 dB SPL"],
            page.GetProperty("minutes").EnumerateArray().Select(
                m => $"{m.GetProperty("time")} {m.GetProperty("laeq")} {m.GetProperty("lcpeak")} {m.GetProperty("unit")}"));
        Assert.Equal([50, 54.5], page.GetProperty("minutes")[1].GetProperty("bands").EnumerateArray().Select(b => b.GetDouble()));
        Assert.Equal("2026-11-26T22:32:00Z", page.GetProperty("next").GetString());

        var all = await GetAsync(day);
        Assert.Equal(3, all.GetProperty("minutes").GetArrayLength());
        Assert.False(all.TryGetProperty("next", out _) || all.GetProperty("minutes")[0].TryGetProperty("bands", out _));
    }

    [Fact]
    public async Task Live_AnEventInTheStore_IsSentToWhoFollows()
    {
        using var request = Request(HttpMethod.Get, "/live");
        using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        Assert.Equal(":", await lines.ReadLineAsync());

        Feed.Publish(Event("0a", _yard, 0, 1, EventState.Opened));

        var read = new List<string?>();
        while (read.Count < 3)
            read.Add(await lines.ReadLineAsync());
        Assert.Equal("event: opened", read[1]);
        Assert.StartsWith("data: {\"id\":\"0a\"", read[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Live_AViewerThatLeaves_IsForgotten()
    {
        using (var request = Request(HttpMethod.Get, "/live"))
        using (await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead))
            Assert.Equal(1, Feed.Followers);

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (Feed.Followers > 0)
            await Task.Delay(20, patience.Token);
    }

    [Fact]
    public void Feed_AFollowerThatReadsNothing_HoldsALimitedNumber()
    {
        var follower = Feed.Follow();
        for (var i = 0; i < 10_000; i++)
            Feed.Publish(Event($"{i}", _yard, 0, 1));

        Assert.Equal(256, follower.Reader.Count);
        Assert.True(follower.Reader.TryRead(out var first));
        Assert.Contains("\"id\":\"9744\"", System.Text.Encoding.UTF8.GetString(first), StringComparison.Ordinal); // the oldest have gone
    }

    [Fact]
    public async Task OpenApi_OfTheStation_IsTheCommittedDocument()
    {
        var served = await Client.GetStringAsync(new Uri("/api/v1/openapi.json", UriKind.Relative));

        var committed = await File.ReadAllTextAsync(Path.Combine(ArchitectureTests.Repository, "schemas", "station.v1.openapi.json"));
        Assert.Equal(committed.TrimEnd(), served.ReplaceLineEndings("\n").TrimEnd());
    }

    private async Task<JsonElement> SendAsync(object body)
    {
        var (status, text) = await TryAsync(Request(HttpMethod.Post, "/reviews", body));
        Assert.Equal(HttpStatusCode.OK, status);
        return JsonDocument.Parse(text).RootElement;
    }

    private async Task<IEnumerable<string?>> IdsAsync(string path) =>
        (await GetAsync(path)).GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event").GetProperty("id").GetString());
}
