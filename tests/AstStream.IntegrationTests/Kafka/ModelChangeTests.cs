using System.Text.Json;
using AstStream.LoadTest;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>What becomes of streams that a group has begun with one model, and goes on with others.</summary>
public sealed class ModelChangeTests : IDisposable
{
    private const int Streams = 3;
    private const int Seconds = 16;
    private const double Pace = 1; // so that a worker that starts slowly is killed before all is read

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly Broker _broker = Broker.Any();
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-models").FullName;

    public void Dispose()
    {
        _broker.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Two models of one worker know the same stream; each goes on where it was.</summary>
    [Fact]
    public async Task Run_TwoModelsInOneGroupKilled_EachGoesOnWithItsOwn()
    {
        await using var trial = Trial();
        trial.Models = $"models: {{a: {Model("a", 0)}, b: {Model("b", 1)}}}";
        var feeding = trial.FeedAsync(Streams, Seconds, Pace);
        trial.Start("live", "w1");
        await trial.GrowsAsync("live", 30, s_patience);
        trial.Kill("w1");
        trial.Start("live", "w1");
        await feeding;
        var (calm, live) = await trial.CompareAsync(s_patience);

        Assert.Empty(TrialRecords.Differences(calm, live, mayRepeat: true));
        Assert.Equal(2, Hashes(live).Count());
        Assert.DoesNotContain("starts over", trial.Said["w1"].ToString(), StringComparison.Ordinal);
    }

    /// <summary>The new one has the same name and size, and other weights.</summary>
    [Fact]
    public async Task Run_AnotherModelUnderTheSameName_StartsOverWithWhatWasNotDecided()
    {
        await using var trial = Trial();
        trial.Models = $"models: {{ear: {Model("before", 0)}}}";
        var feeding = trial.FeedAsync(Streams, Seconds, Pace);
        trial.Start("live", "w1");
        await trial.GrowsAsync("live", 30, s_patience);
        trial.Kill("w1");
        trial.Models = $"models: {{ear: {Model("after", 1)}}}";
        trial.Start("live", "w1");
        await feeding;
        await trial.DoneAsync("live", s_patience);
        var live = trial.Read("live");

        Assert.Contains("another model, or another one besides, goes on with it", trial.Said["w1"].ToString(), StringComparison.Ordinal);
        Assert.Equal(2, Hashes(live).Count());
        foreach (var records in live.Values.Select(r => r.Select(t => JsonDocument.Parse(t).RootElement).ToList()))
        {
            // Nothing of the old one comes after the new one, and no event is of both.
            var events = records.Where(r => r.TryGetProperty("event_label", out _)).ToList();
            var hashes = events.Select(Hash).ToList();
            Assert.Equal(hashes.Order(new ByFirst(hashes)), hashes);
            Assert.All(events.GroupBy(e => e.GetProperty("id").GetString()), e => Assert.Single(e.Select(Hash).Distinct()));

            // All of the stream is accounted for.
            var end = 0L;
            foreach (var part in records.Where(r => r.TryGetProperty("coverage", out _)).OrderBy(c => Sample(c, "start_sample")))
            {
                Assert.True(Sample(part, "start_sample") <= end, $"a hole from {end}");
                end = Math.Max(end, Sample(part, "end_sample"));
            }

            Assert.Equal(Seconds * 16_000, end);
        }
    }

    private static IEnumerable<string> Hashes(SortedDictionary<string, List<string>> records) => records.Values.SelectMany(r => r)
        .Select(t => JsonDocument.Parse(t).RootElement).Where(r => r.TryGetProperty("event_label", out _)).Select(Hash).Distinct();

    private static string Hash(JsonElement e) => e.GetProperty("evidence").GetProperty("model_hash").GetString()!;

    private static long Sample(JsonElement record, string name) => record.GetProperty(name).GetInt64();

    /// <summary>A small model; those with other numbers have other weights.</summary>
    private string Model(string name, byte number) =>
        $"{{path: {SmallModel.Make(_folder, name, number)}, window: 1s, hop: 500ms, threads: 1, events: {KafkaTrial.EventOptions}}}";

    private KafkaTrial Trial() => new(_broker.Servers, Cli.Program, 2, _broker.IsMock ? t => _broker.Tell($"topic {t} 2") : null)
    {
        Delivery = _broker.IsMock ? "at_least_once" : "exactly_once",
    };

    /// <summary>In the order in which they came first.</summary>
    private sealed class ByFirst(List<string> all) : IComparer<string>
    {
        public int Compare(string? x, string? y) => all.IndexOf(x!).CompareTo(all.IndexOf(y!));
    }
}
