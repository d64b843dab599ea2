using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using AstStream.Events;
using AstStream.Station.Find;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>Events that sound alike.</summary>
[SuppressMessage("Security", "CA5394:Do not use insecure randomness", Justification = "Vectors of tests.")]
public sealed class FindTests : WebTrial
{
    private readonly StreamIdentity _yard = new("yard", "mic", s_start);

    [Theory]
    [InlineData(3)]
    [InlineData(64)]
    [InlineData(192)]
    [InlineData(770)]
    public void Nearest_AnyVectors_AreThoseOfTheExactCosines(int dimensions)
    {
        var random = new Random(dimensions);
        var index = new EmbeddingIndex(dimensions, SoundFinder.UsualMemory);
        List<float[]> vectors = [.. Enumerable.Range(0, 20_000).Select(_ => Vector(random, dimensions))];
        for (var i = 0; i < vectors.Count; i++)
            index.Add(new StoredEmbedding(i + 1, i, vectors[i]));
        index.Add(new StoredEmbedding(30_000, 30_000, new float[dimensions])); // no direction
        index.Add(new StoredEmbedding(30_001, 30_001, new float[dimensions + 1]));
        var asked = Vector(random, dimensions);

        var found = index.Nearest(asked, 50, CancellationToken.None);

        Assert.Equal((20_000, 30_001), (index.Count, index.Latest));
        Assert.Equal(found.Select(f => f.Cosine).OrderDescending(), found.Select(f => f.Cosine));
        Assert.All(found, f => Assert.Equal(EmbeddingIndex.Cosine(asked, vectors[(int)f.Event]), f.Cosine, 0.01));
        var exact = vectors.Select(v => EmbeddingIndex.Cosine(asked, v)).OrderDescending().ToList();
        Assert.All(found, f => Assert.True(EmbeddingIndex.Cosine(asked, vectors[(int)f.Event]) >= exact[49] - 0.02));
        Assert.Equal(exact[0], found[0].Cosine, 0.01);
    }

    [Fact]
    public void Add_MoreThanItMayHold_TheOldestGo()
    {
        var index = new EmbeddingIndex(64, 3_000_000);
        var random = new Random(1);
        var kept = index.Capacity;
        for (var i = 1; i <= 2 * kept; i++)
            index.Add(new StoredEmbedding(i, i, Vector(random, 64)));

        Assert.InRange(kept, 8192, 3_000_000 / 64);
        Assert.Equal(kept, index.Count);
        Assert.Equal(
            Enumerable.Range(kept + 1, kept).Select(i => (long)i),
            index.Nearest(Vector(random, 64), kept, CancellationToken.None).Select(n => n.Event).Order());
    }

    [Fact]
    public async Task Similar_EventsOfSomeKinds_TheLikestFirstAsTheFilterWantsThem()
    {
        Keep(
            Sound("01", 0, "Dog", 1, 0), Sound("02", 10, "Dog", 0.9f, 0.1f), Sound("03", 20, "Cat", 0.5f, 0.5f),
            Sound("04", 30, "Cat", 0, 1),
            Sound("05", 40, "Dog", 1, 0) with { HeardBy = new ModelIdentity("another", "float32", "cpu") },
            Event("06", _yard, 50, 51));

        var all = await SimilarAsync("/events/01/similar");
        Assert.Equal(["02", "03", "04"], all.Select(e => e.Id));
        Assert.Equal(0.9939, all[0].Similarity, 3);
        Assert.Equal(0, all[2].Similarity, 6);
        Assert.Equal(["03"], (await SimilarAsync("/events/01/similar?label=Cat&limit=1")).Select(e => e.Id));
        Assert.Equal([], await SimilarAsync("/events/05/similar")); // the only one of its model

        // What comes after a search is found by the next one; what is gone is not.
        Keep(Sound("07", 60, "Dog", 0.99f, 0), Sound("08", 70, "Dog", 1, 0.01f));
        Sink.Use(w => w.Transact("removing", f => f.Command("DELETE FROM events WHERE id = $0", EventId.Bytes("02")).ExecuteNonQuery()));
        Assert.Equal(["07", "08", "03", "04"], (await SimilarAsync("/events/01/similar")).Select(e => e.Id));
        using var reader = EmbeddingReader.Open(Store);
        Assert.Null(reader.Of("02"));
    }

    [Theory]
    [InlineData("/events/06/similar", HttpStatusCode.NotFound, "event '06' has no embedding: it goes on, or was stored before they were")]
    [InlineData("/events/none/similar", HttpStatusCode.NotFound, "there is no event 'none'")]
    [InlineData("/events/01/similar?limit=2001", HttpStatusCode.BadRequest, "limit: expected 1 to 2000")]
    [InlineData("/events/map?limit=0", HttpStatusCode.BadRequest, "limit: expected 1 to 2000")]
    public async Task Get_WrongQueries_AreProblemsThatSayWhatIsExpected(string path, HttpStatusCode expected, string message)
    {
        Keep(Sound("01", 0, "Dog", 1, 0), Event("06", _yard, 50, 51));

        var (status, detail) = await TryAsync(Request(HttpMethod.Get, path));

        Assert.Equal(expected, status);
        Assert.Contains(message, detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_VectorsThatNoRunWrites_AreLikeNothing()
    {
        Keep(Enumerable.Range(1, 8).Select(i => Sound($"0{i}", 10 * i, "Dog", 1, i / 10f)));
        string[] damaged = ["x'007c007c'", "x'007e007e'", "x'00'", "x''", "'text'", "17", "x'003c003c003c'"];
        Sink.Use(w => w.Transact("damaging", f =>
        {
            foreach (var (i, vector) in damaged.Index())
                f.Run($"UPDATE embeddings SET vector = {vector} WHERE event = (SELECT number FROM events WHERE id = x'0{i + 2}')");
            return 0;
        }));

        Assert.Empty(await SimilarAsync("/events/01/similar"));
        Assert.Equal(HttpStatusCode.NotFound, (await TryAsync(Request(HttpMethod.Get, "/events/02/similar"))).Status);
        Assert.Empty((await GetAsync("/events/08/similar")).GetProperty("events").EnumerateArray()); // of three values: as no other
        await GetAsync("/events/map");
    }

    [Fact]
    public async Task Keep_TheSameEventWithItsEmbedding_AddsThat()
    {
        Keep(Event("01", _yard, 0, 1), Sound("02", 10, "Dog", 1, 0));
        Keep(Sound("01", 0, "Dog", 1, 0.1f));

        Assert.Equal(["02"], (await SimilarAsync("/events/01/similar")).Select(e => e.Id));
    }

    [Fact]
    public async Task Map_EventsOfThreeKinds_LieInThreePlaces()
    {
        Assert.Empty((await GetAsync("/events/map")).GetProperty("events").EnumerateArray());
        var random = new Random(4);
        float[][] kinds = [Vector(random, 32), Vector(random, 32), Vector(random, 32)];
        Keep(Enumerable.Range(0, 150).Select(i => Sound(
            $"{i:x4}", i, $"kind {i % 3}", [.. kinds[i % 3].Select(v => v + (0.3f * (random.NextSingle() - 0.5f)))])));

        var map = await PlacesAsync();

        Assert.Equal(150, map.Count);
        Assert.All(map, p => Assert.True(p.X is >= 0 and <= 1 && p.Y is >= 0 and <= 1));
        Assert.Equal((0, 1), (map.Min(p => p.X), map.Max(p => p.X)));
        double Apart((string Label, double X, double Y) a, (string Label, double X, double Y) b) => double.Hypot(a.X - b.X, a.Y - b.Y);
        Assert.All(map, p => Assert.Equal(p.Label, map.Where(o => o != p).MinBy(o => Apart(o, p)).Label));
        Assert.Equal(map, await PlacesAsync()); // the same again
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20)]
    public void Map_FewOrEqualEvents_HasPlacesForAll(int count)
    {
        var places = SoundMap.Of([.. Enumerable.Range(0, count).Select(i => new float[] { i % 2, 1, 0 })], CancellationToken.None);

        Assert.Equal(count, places.Count);
        Assert.All(places, p => Assert.True(p.X is >= 0 and <= 1 && p.Y is >= 0 and <= 1, $"{p}"));
    }

    private SoundEvent Sound(string id, double onset, string label, params float[] embedding) =>
        Event(id, _yard, onset, onset + 1, label: label) with { Embedding = embedding.Select(v => (Half)v).ToArray() };

    private async Task<List<(string Id, double Similarity)>> SimilarAsync(string path) =>
        [.. (await GetAsync(path)).GetProperty("events").EnumerateArray().Select(
            e => (IdOf(e), e.GetProperty("similarity").GetDouble()))];

    private async Task<List<(string Label, double X, double Y)>> PlacesAsync() =>
        [.. (await GetAsync("/events/map")).GetProperty("events").EnumerateArray().Select(e => (
            e.GetProperty("event").GetProperty("event").GetProperty("event_label").GetString()!, e.GetProperty("x").GetDouble(),
            e.GetProperty("y").GetDouble()))];

    private static string IdOf(JsonElement e) => e.GetProperty("event").GetProperty("event").GetProperty("id").GetString()!;

    private static float[] Vector(Random random, int dimensions) =>
        [.. Enumerable.Range(0, dimensions).Select(_ => (float)((random.NextDouble() + random.NextDouble() + random.NextDouble()) - 1.5))];
}
