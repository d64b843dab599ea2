using System.Net;
using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Station.Store;
using AstStream.Station.Web;
using AstStream.Streaming.Pipelines;

namespace AstStream.Tests.Station;

/// <summary>What a store and the API say of a model and of the one that scores in its shadow.</summary>
public sealed class ShadowTests : WebTrial
{
    private static readonly StreamIdentity s_yard = new("yard", "mic", s_start);
    private static readonly StreamIdentity s_attic = new("attic", "mic", s_start);

    private readonly FakeControl _control = new();

    private protected override IPipelineControl Control => _control;

    [Fact]
    public void Compare_EventsOfBoth_AreTheSameWhereStreamLabelAndTimeMeet()
    {
        Keep([Hear(0, 600), Hear(30, 660),
            Event("01", s_yard, 10, 12), Shade("a1", s_yard, 12.9, 14), // less than a second apart
            Event("02", s_yard, 20, 22), Shade("a2", s_yard, 23.1, 24), // more
            Event("03", s_yard, 40, 42), Shade("a3", s_attic, 40, 42), Shade("a4", s_yard, 40, 42, "Cat"),
            Event("07", s_yard, 45, 46, label: UnusualDecoder.Label), // of which a shadow says nothing
            Event("04", s_yard, 700, 701), Event("05", s_yard, 50, 51, EventState.Opened), // after the shadow; open
            Event("06", s_yard, 60, 61) with { HeardBy = new ModelIdentity("other", "float32", "cpu") },
            Shade("a5", s_yard, 70, 71) with { HeardBy = new ModelIdentity("former", "float32", "cpu") },
            Shade("a6", s_yard, 80, 81) with { State = EventState.Opened }]);

        var c = Compare();

        Assert.Equal([(s_start, s_start.AddSeconds(660))], c.Times);
        Assert.Equal(["02", "03"], c.ModelAlone.Select(e => e.Event.Id).Order(StringComparer.Ordinal));
        Assert.Equal(["attic Dog 40", "yard Cat 40", "yard Dog 23.1"], c.ShadowAlone.Select(
            e => FormattableString.Invariant($"{e.Stream} {e.Label} {(e.Time - s_start).TotalSeconds:0.###}"))
            .Order(StringComparer.Ordinal));
        Assert.Equal([new LabelComparison("Dog", 1, 2, 2), new LabelComparison("Cat", 0, 0, 1)], c.Labels);
    }

    [Fact]
    public void Compare_ReviewedEvents_SaysWhatTheShadowMakesOfThem()
    {
        Keep([Hear(0, 600), .. Enumerable.Range(1, 6).Select(i => Event($"0{i}", s_yard, 10 * i, (10 * i) + 1)),
            Shade("a1", s_yard, 10, 11), Shade("a3", s_yard, 30, 31), Shade("a5", s_yard, 50, 51, "Cat")]);
        ReviewVerdict[] verdicts = [ReviewVerdict.Right, ReviewVerdict.Right, ReviewVerdict.Wrong, ReviewVerdict.Wrong,
            ReviewVerdict.OtherLabel, ReviewVerdict.Withdrawn];
        Sink.Use(s => s.Add([.. verdicts.Select((v, i) => new Review(
            $"0{i + 1}", v, v == ReviewVerdict.OtherLabel ? "Cat" : null, "ann", s_start))]));

        var c = Compare();

        Assert.Equal((2, 1, 3, 1, 1), (c.Right, c.RightKept, c.Wrong, c.WrongKept, c.Renamed));
    }

    [Fact]
    public void Compare_PausesOfTheShadow_AreNotCompared()
    {
        Keep([Hear(0, 60), Hear(1000, 1060), Hear(60, 90) with { State = CoverageState.Lost, Reason = LossReason.Gap },
            Event("01", s_yard, 10, 11), Event("02", s_yard, 500, 501), Event("03", s_yard, 1010, 1011)]);

        var c = Compare();

        Assert.Equal(2, c.Times.Count);
        Assert.Equal(["03", "01"], c.ModelAlone.Select(e => e.Event.Id));
    }

    [Fact]
    public void Compare_TimesThatStreamsShare_AreCountedOnce()
    {
        Keep([Hear(0, 60), Hear(1000, 1060), Hear(60, 500), Hear(500, 1000), Hear(30, 90), Hear(2000, 2010) with { ShadowOf = "other" }]);

        Assert.Equal([(s_start, s_start.AddSeconds(1060))], Compare().Times);
    }

    [Fact]
    public void Compare_TimeBesideAnotherModel_IsThatOnes()
    {
        Keep([Hear(0, 60) with { ShadowOf = "former" }, Hear(60, 120), Shade("a1", s_yard, 10, 11), Shade("a2", s_yard, 70, 71)]);

        var c = Compare();

        Assert.Equal(60, c.Times.Sum(t => (t.Ended - t.Began).TotalSeconds));
        Assert.Single(c.ShadowAlone);
    }

    [Fact]
    public void Remove_ATimeThatBeganBefore_BeginsWhereItsEventsDo()
    {
        Keep([Hear(0, 2000), Shade("a1", s_yard, 10, 11), Event("01", s_yard, 10, 11), Event("02", s_yard, 1500, 1501)]);
        Sink.Use(s => s.Add(new Review("01", ReviewVerdict.Right, null, "ann", s_start))); // so that it is kept

        Sink.Use(s => s.Remove(s_start.AddSeconds(1000), s_start));

        var c = Compare();
        Assert.Equal([(s_start.AddSeconds(1000), s_start.AddSeconds(2000))], c.Times);
        Assert.Equal(0, c.Right);
        Assert.Equal("02", Assert.Single(c.ModelAlone).Event.Id);
    }

    [Fact]
    public void Remove_OldShadows_GoWithTheEventsOfTheirTime()
    {
        Keep([Hear(0, 60), Hear(3000, 3060), Shade("a1", s_yard, 10, 11), Shade("a2", s_yard, 3010, 3011)]);

        Sink.Use(s => s.Remove(s_start.AddSeconds(1000), s_start));

        var c = Compare();
        Assert.Single(c.Times);
        Assert.Equal(3010, Assert.Single(c.ShadowAlone).Time.Subtract(s_start).TotalSeconds, 1e-3);
    }

    [Fact]
    public async Task Models_WithAShadow_SayWhereTheyDifferAndAreExchanged()
    {
        Keep([Hear(0, 600), Event("01", s_yard, 10, 12), Shade("a1", s_yard, 40, 42, "<b>Cat</b>")]);

        var model = (await GetAsync("/models")).GetProperty("models")[0];
        var differences = await GetAsync("/models/model/differences?since=2026-01-01T00:00:00Z");

        Assert.Equal("model.shadow", model.GetProperty("shadow").GetProperty("name").GetString());
        Assert.Equal(600, differences.GetProperty("seconds").GetDouble());
        Assert.Equal("01", differences.GetProperty("model")[0].GetProperty("id").GetString());
        Assert.Equal("<b>Cat</b>", differences.GetProperty("shadow")[0].GetProperty("label").GetString());
        Assert.Equal(
            HttpStatusCode.NoContent, (await TryAsync(Request(HttpMethod.Post, "/models/model/promote", new { version = "1" }))).Status);
        Assert.Equal(["model 1"], _control.Promoted);
        Assert.Equal((HttpStatusCode.Conflict, "no"), await TryAsync(
            Request(HttpMethod.Post, "/models/model/promote", new { version = "2" })));
    }

    [Theory]
    [InlineData("/models/other/differences", "there is no model 'other'")]
    [InlineData("/models/plain/differences", "there is no shadow of the model 'plain'")]
    public async Task Differences_OfWhatIsNotThere_SaysSo(string path, string message) =>
        Assert.Equal((HttpStatusCode.NotFound, message), await TryAsync(Request(HttpMethod.Get, path)));

    private ShadowComparison Compare()
    {
        using var reader = ShadowReader.Open(Store);
        return reader.Compare("model", "abc", "model.shadow", "def", s_start.AddDays(-1));
    }

    private void Keep(params StreamRecord[] records) => Sink.Use(writer =>
    {
        foreach (var record in records)
            writer.Add(record);
        writer.Commit();
    });

    private static SoundEvent Shade(string id, StreamIdentity stream, double onset, double offset, string label = "Dog") =>
        Event(id, stream, onset, offset, label: label) with
        {
            Model = "model.shadow",
            ShadowOf = "abc",
            HeardBy = new ModelIdentity("def", "float32", "cpu"),
        };

    private static CoverageInterval Hear(int start, int end) =>
        Coverage(s_yard, 16_000L * start, 16_000L * end) with { Model = "model.shadow", ShadowOf = "abc", ModelHash = "def" };

    private sealed class FakeControl : IPipelineControl
    {
        public List<string> Promoted { get; } = [];

        public string Version => "1";

        public IReadOnlyList<PipelineModel> Models =>
            [new("model", "/a", "abc", 2, new PipelineModel("model.shadow", "/b", "def", 2)), new("plain", "/c", "ghi", 2)];

        public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds =>
            new Dictionary<string, IReadOnlyDictionary<string, double>>();

        public Task<string?> SetThresholdAsync(
            string model, string label, double threshold, string version, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<string?> PromoteAsync(string model, string version, CancellationToken cancellation)
        {
            if (version != Version)
                return Task.FromResult<string?>("no");
            Promoted.Add($"{model} {version}");
            return Task.FromResult<string?>(null);
        }
    }
}
