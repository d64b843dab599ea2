using System.Diagnostics;
using System.Text.Json;
using AstStream.LoadTest;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>
/// What only a real cluster can show: that every event is there exactly once, whatever happens to workers. `make test-kafka` runs these.
/// </summary>
[Trait("Category", "RealKafka")]
public sealed class RealKafkaTests
{
    private const string Classic = "session.timeout.ms: 6000, heartbeat.interval.ms: 1000";
    private const string ByBrokers = "group.protocol: consumer"; // KIP-848; the brokers set the session's time-out

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private static string Servers =>
        Broker.Real ?? throw new InvalidOperationException("no cluster; set ASTSTREAM_KAFKA=HOST:PORT, as `make test-kafka` says");

    [Theory]
    [InlineData(Classic)]
    [InlineData(ByBrokers)]
    public async Task Run_KilledAgainAndAgain_EveryEventIsThereOnce(string member)
    {
        await using var trial = new KafkaTrial(Servers, Cli.Program, 8) { Member = member };
        await trial.KillAgainAndAgainAsync(12, streams: 32, seconds: 30, seed: 3);
        await AssertSameAsync(trial);
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(ByBrokers)]
    public async Task Run_WorkersComeGoAndFreeze_EveryEventIsThereOnce(string member)
    {
        await using var trial = new KafkaTrial(Servers, Cli.Program, 12) { Member = member };

        // Longer than a session, so that its partitions are somebody else's when it goes on; at several places of what it does.
        await trial.ComeGoAndFreezeAsync(24, 70, TimeSpan.FromSeconds(8), ("w2", 10), ("w3", 10), ("w4", 10));
        await AssertSameAsync(trial);
    }

    /// <summary>Where the brokers assign partitions, who holds a name keeps it; else the newcomer takes it over.</summary>
    [Fact]
    public async Task Run_TwoWorkersOfOneName_TheFirstGoesOnAndTheSecondSaysWhy()
    {
        await using var trial = new KafkaTrial(Servers, Cli.Program, 4) { Member = ByBrokers };
        var feeding = trial.FeedAsync(streams: 8, seconds: 24, pace: 1);
        trial.Start("live", "w1");
        await trial.GrowsAsync("live", 20, s_patience);
        var second = Cli.Start("run", trial.File("w1"));
        await feeding;
        Cli.Signal(second, 2);
        var said = await Cli.FinishAsync(second);
        var (calm, live) = await trial.CompareAsync(s_patience);

        Assert.Contains("has a member 'w1'", said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("a commit failed", trial.Said["w1"].ToString(), StringComparison.Ordinal);
        Assert.Empty(TrialRecords.Differences(calm, live));
    }

    /// <summary>The mock makes no topics, and knows every topic that it is asked for.</summary>
    [Fact]
    public async Task Topics_CreatedTwice_AreMadeOnceAsAdvisedAndOneThatIsMissingIsSaid()
    {
        var name = $"audio-{Guid.NewGuid():N}"[..14];
        var yaml = Path.Combine(Path.GetTempPath(), $"{name}.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: kafka, bootstrap_servers: "{{Servers}}", topics: {{name}}, group: {{name}} } }
            sinks: {out: {type: kafka, bootstrap_servers: "{{Servers}}", topic: {{name}}-events} }
            """);

        var missing = await Cli.RunAsync("kafka", "dlq", "list", $"{name}-dead-letter", "--bootstrap-servers", Servers);
        var first = await Cli.RunAsync("kafka", "topics", "create", yaml, "--partitions", "4", "--replication", "1");
        var again = await Cli.RunAsync("kafka", "topics", "create", yaml, "--partitions", "8", "--replication", "1");
        var there = await Cli.RunAsync("kafka", "dlq", "list", $"{name}-dead-letter", "--bootstrap-servers", Servers);
        File.Delete(yaml);

        Assert.Equal(1, missing.ExitCode);
        Assert.Contains($"there is no topic {name}-dead-letter", missing.Error, StringComparison.Ordinal);
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(4, first.Output.Split(" made").Length - 1);
        Assert.Equal(4, again.Output.Split("is there").Length - 1);
        Assert.Contains($"{name}-state: fewer than 8", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, there.ExitCode);
    }

    /// <summary>The mock keeps no offsets of transactions.</summary>
    [Theory]
    [InlineData(Classic)]
    [InlineData(ByBrokers)]
    public async Task Reset_ToATime_IsRefusedWhileWorkersRunAndHearsFromThereAfterwards(string member)
    {
        await using var trial = new KafkaTrial(Servers, Cli.Program, 3) { Member = member, IsNamed = false };
        await trial.FeedAsync(streams: 5, seconds: 12, pace: 100);
        await Task.Delay(3000);
        var between = TimeProvider.System.GetUtcNow();
        await Task.Delay(100);
        await trial.FeedAsync(streams: 5, seconds: 6, pace: 100, name: "late");
        trial.Start("live", "w1");
        await trial.DoneAsync("live", s_patience);
        var first = trial.Read("live");

        var refused = await Cli.RunAsync("kafka", "reset", trial.File("w1"), "--to", "earliest");
        trial.Signal("w1", 2);
        await trial.EndedAsync("w1");
        var dry = await Cli.RunAsync("kafka", "reset", trial.File("w1"), "--to", $"{between:O}", "--dry-run");
        var lag = await trial.LagAsync("live");
        var done = await Cli.RunAsync("kafka", "reset", trial.File("w1"), "--to", $"{between:O}");
        trial.Start("live", "w1");
        await trial.DoneAsync("live", s_patience);
        var second = trial.Read("live");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("has 1 members: ", refused.Error, StringComparison.Ordinal);
        Assert.True(dry.ExitCode == 0, dry.Error);
        Assert.Contains("nothing was changed", dry.Output, StringComparison.Ordinal);
        Assert.Equal(0, lag.Sum(l => l.Lag));
        Assert.True(done.ExitCode == 0, done.Error);
        foreach (var stream in first.Keys)
        {
            var times = stream.StartsWith("late", StringComparison.Ordinal) ? 2 : 1;
            Assert.Equal(times * first[stream].Count, second[stream].Count);
        }
    }

    /// <summary>Exactly once, with a client of another language at both ends.</summary>
    [Fact]
    public async Task Run_SoundAndEventsOfKafkajs_AreUnderstood()
    {
        using var broker = Broker.Any();
        var (audio, events) = (broker.Topic("audio"), broker.Topic("events", 1));
        var folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
        var yaml = Path.Combine(folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: kafka, bootstrap_servers: "{{broker.Servers}}", topics: {{audio}}, group: {{audio}} } }
            model: {window: 1s, hop: 500ms}
            events: {threshold: 0}
            sinks: {out: {type: kafka, bootstrap_servers: "{{broker.Servers}}", topic: {{events}}, records: [events, coverage]} }
            """);
        var worker = Cli.Start("run", yaml);
        using var client = Process.Start(
            new ProcessStartInfo(
            "node", [Path.Combine(AppContext.BaseDirectory, "Kafka", "another-client.cjs"), broker.Servers, audio,
            events])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (lines, error) = (await client.StandardOutput.ReadToEndAsync(), await client.StandardError.ReadToEndAsync());
        await client.WaitForExitAsync();
        Cli.Signal(worker, 2);
        await Cli.FinishAsync(worker);
        Directory.Delete(folder, recursive: true);

        Assert.True(client.ExitCode == 0, error);
        var read = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.All(read, r => Assert.Equal("from-js", r.GetProperty("key").GetString()));
        Assert.All(read,
            r => Assert.StartsWith("application/cloudevents+json", r.GetProperty("contentType").GetString(), StringComparison.Ordinal));
        Assert.Contains(read, r => r.GetProperty("event").GetProperty("type").GetString() == "aststream.event.v1");
        var coverage = Assert.Single(read, r => r.GetProperty("event").GetProperty("type").GetString() == "aststream.coverage.v1")
            .GetProperty("event");
        Assert.Equal(32_000, coverage.GetProperty("data").GetProperty("end_sample").GetInt64());
        Assert.Equal("2026-01-01T00:00:00Z", coverage.GetProperty("time").GetString());
        Assert.Equal(read.Count, read.Select(r => r.GetProperty("event").GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task Run_WrongPassword_SaysSoOnceWithoutIt()
    {
        if (Environment.GetEnvironmentVariable("ASTSTREAM_KAFKA_SASL") is not { Length: > 0 } servers)
            throw new InvalidOperationException("no listener that asks for a password; set ASTSTREAM_KAFKA_SASL=HOST:PORT");
        var folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
        var yaml = Path.Combine(folder, "p.yaml");
        File.WriteAllText(Path.Combine(folder, "password"), "not-the-pass\n");
        File.WriteAllText(yaml, $$"""
            sources:
              in:
                type: kafka
                bootstrap_servers: "{{servers}}"
                topics: audio
                librdkafka: {security.protocol: SASL_PLAINTEXT, sasl.mechanisms: PLAIN, sasl.username: aststream, sasl.password: "${file:password}"}
            sinks: {out: {type: console} }
            """);
        var worker = Cli.Start("run", yaml);
        await Task.Delay(6000);
        Assert.False(worker.HasExited);
        Cli.Signal(worker, 2);
        var result = await Cli.FinishAsync(worker);
        Directory.Delete(folder, recursive: true);

        Assert.Single(result.Error.Split('\n'), l => l.Contains("uthentication", StringComparison.Ordinal));
        Assert.DoesNotContain("not-the-pass", result.Error + result.Output, StringComparison.Ordinal);
    }

    /// <summary>A message that the topic never takes costs only itself.</summary>
    [Fact]
    public async Task Run_MessagesThatTheTopicRefuses_AreCountedAndTheOthersAreThere()
    {
        using var broker = Broker.Any();
        var events = broker.Topic("small", 1, maxMessageBytes: 1400); // scores of fifty labels are larger, events are not
        var folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
        Tones.Write(folder, "a.wav", 30);
        var yaml = Path.Combine(folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: file, path: a.wav} }
            events: {threshold: 0, max_duration: 5s}
            sinks:
              out: {type: kafka, bootstrap_servers: "{{broker.Servers}}", topic: {{events}}, records: [events, coverage, scores]}
              all: {type: jsonl, path: all.jsonl, records: [events, coverage, scores], states: [opened, closed]}
            """);

        var result = await Cli.RunAsync(["run", yaml]);
        var all = (await File.ReadAllLinesAsync(Path.Combine(folder, "all.jsonl")))
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToList();
        Directory.Delete(folder, recursive: true);

        Assert.Equal(0, result.ExitCode);
        var scores = all.Count(r => r.TryGetProperty("scores", out _));
        Assert.True(scores > 3);
        Assert.Equal(all.Count - scores, broker.Read(events).Count);
        Assert.Contains($"out: {scores} records", result.Error, StringComparison.Ordinal);
        Assert.Contains("Message size too large", result.Error, StringComparison.Ordinal);
    }

    private static async Task AssertSameAsync(KafkaTrial trial)
    {
        var (calm, live) = await trial.CompareAsync(s_patience);
        Assert.True(calm.Values.Sum(v => v.Count) > 200);
        Assert.Empty(TrialRecords.Differences(calm, live));
    }
}
