using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>Which events a person is asked about first.</summary>
public sealed class WorthALookTests : WebTrial
{
    private static readonly StreamIdentity s_yard = new("yard", "mic", s_start);

    [Fact]
    public async Task WorthALook_UnreviewedEventsWithClips_LabelsTakeTurnsTheLeastSureFirst()
    {
        Keep(
            Event("01", s_yard, 1, 2, score: 0.9f), Event("02", s_yard, 3, 4, score: 0.55f), Event("03", s_yard, 5, 6, score: 0.3f),
            Event("04", s_yard, 7, 8, label: "Cat", score: 0.99f), Event("05", s_yard, 9, 10, label: "Cat", score: 0.7f),
            Event("06", s_yard, 11, 12, score: 0.5f), Event("07", s_yard, 13, 14, EventState.Opened, score: 0.5f),
            Event("08", s_yard, 15, 16, score: 0.5f));
        Clip("01", "02", "03", "04", "05", "07", "08"); // 06 has none
        Sink.Use(s => s.Add(new Review("08", ReviewVerdict.Right, null, "ann", s_start)));

        var first = await GetAsync("/events/worth-a-look?since=2026-01-01T00:00:00Z");
        var two = await GetAsync("/events/worth-a-look?since=2026-01-01T00:00:00Z&limit=2");
        var dogs = await GetAsync("/events/worth-a-look?since=2026-01-01T00:00:00Z&label=Dog");

        // Nobody said anything of cats yet.
        Assert.Equal(["05", "02", "04", "03", "01"], Ids(first));
        Assert.Equal(["05", "02"], Ids(two));
        Assert.Equal(["02", "03", "01"], Ids(dogs));
    }

    private static IEnumerable<string?> Ids(System.Text.Json.JsonElement page) =>
        page.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("event").GetProperty("id").GetString());

    private void Clip(params string[] events) => Sink.Use(s => s.Add(
        [.. events.Select(e => new StoredClip(e, s_yard, 0, 16_000, 16_000, $"{e}.flac", 1) { Events = [e] })]));
}
