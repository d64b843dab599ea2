using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Kafka;
using AstStream.Kafka.Cluster;
using AstStream.LoadTest;
using Confluent.Kafka;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>Workers as people run them, over a mock cluster or the real one.</summary>
public sealed class KafkaTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
    private readonly string _group = $"group-{Guid.NewGuid():N}"[..14];
    private readonly Broker _broker = Broker.Any();
    private readonly List<Process> _workers = [];

    public void Dispose()
    {
        foreach (var worker in _workers)
        {
            if (!worker.HasExited)
                worker.Kill();
            worker.Dispose();
        }

        _broker.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Run_PoisonStreamAmongGoodOnes_GoesToTheDeadLettersAndTheOthersGoOn()
    {
        var (audio, events, dead) = (_broker.Topic("audio"), _broker.Topic("events", 1), _broker.Topic("dead", 1));
        using (var producer = new ProducerBuilder<string, byte[]?>(
            new ProducerConfig { BootstrapServers = _broker.Servers, MessageMaxBytes = 100_000_000 }).Build())
        {
            void Send(string key, byte[]? value, params (string Name, string Value)[] headers)
            {
                var message = new Message<string, byte[]?> { Key = key, Value = value, Headers = [] };
                foreach (var (name, text) in headers)
                    message.Headers.Add(name, Encoding.UTF8.GetBytes(text));
                producer.Produce(audio, message);
            }

            Send("poison", Sound(0), ("first_sample", "0"));
            for (var i = 0; i < 20; i++)
            {
                Send("good", Sound(i), ("first_sample", Text(i * 4000)));
                var bad = i switch
                {
                    0 => (Array.Empty<byte>(), "sample_rate", "16000"),
                    1 => (Sound(i), "sample_rate", "0"),
                    2 => (Sound(i), "channels", "255"),
                    3 => (Sound(i)[..4001], "sample_rate", "16000"),
                    4 => (Sound(i), "encoding", "mp3"),
                    5 => (Sound(i), "first_sample", "-3"),
                    6 => (Sound(i), "first_sample", "20000000000"),
                    7 => (Sound(i), "capture_time", "yesterday"),
                    8 => (Sound(i), "encoding", "wav"),
                    _ => (Sound(i), "first_sample", Text((40 - (2 * i)) * 20_000)), // runs backwards
                };
                Send("poison", bad.Item1, (bad.Item2, bad.Item3));
                Send("rates", Sound(i), ("sample_rate", i < 10 ? "16000" : "48000")); // and no sample index
            }

            if (!_broker.IsMock)
                Send("poison", new byte[15_000_000], ("encoding", "u8")); // larger than the worker takes
            Send("good", null);
            Send("poison", null);
            Send("rates", null);
            producer.Flush(s_patience);
        }

        var worker = Start(Pipeline(audio, events, $"dead_letter_topic: {dead}, max_record: 1MB, reorder: 100ms"));
        await DoneAsync(audio);

        // First the stream without fault: it is there as if it were alone.
        var coverage = _broker.Read(events).Where(e => e.TryGetProperty("coverage", out _)).ToList();
        long Covered(string stream) => coverage.Where(c => c.GetProperty("stream").GetString() == stream)
            .Sum(c => c.GetProperty("end_sample").GetInt64() - c.GetProperty("start_sample").GetInt64());
        Assert.Equal(80_000, Covered("good"));
        Assert.InRange(Covered("rates"), 40_000 + 13_330, 40_000 + 13_340);
        var letters = DeadLetter.All(_broker, dead);
        Assert.Equal(_broker.IsMock ? 9 : 10, letters.Count);
        Assert.All(letters, l => Assert.Equal("poison", l.Key));
        string[] reasons = ["0 bytes", "sample_rate is '0'", "channels is '255'", "multiple of 2", "encoding is 'mp3'",
            "first_sample is '-3'", "jumps from", "capture_time is 'yesterday'", "WAV"];
        foreach (var (letter, reason) in letters.Zip(reasons))
        {
            Assert.Contains(reason, letter.Header("error"), StringComparison.OrdinalIgnoreCase);
            Assert.Equal(audio, letter.Header("source_topic"));
            Assert.True(long.Parse(letter.Header("source_offset"), CultureInfo.InvariantCulture) >= 0);
        }

        Cli.Signal(worker, 2);
        var result = await Cli.FinishAsync(worker);
        Assert.Contains("runs backwards", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("session.timeout.ms: 6000")]
    [InlineData("group.protocol: consumer")]
    public async Task Run_KilledAndStartedAgain_NothingIsLost(string member)
    {
        await using var trial = new KafkaTrial(
            _broker.Servers, Cli.Program, 2, _broker.IsMock ? t => _broker.Tell($"topic {t} 2") : null)
        { Delivery = "at_least_once", Member = member };
        var feeding = trial.FeedAsync(streams: 6, seconds: 16, pace: 2);
        for (var i = 0; i < 2; i++)
        {
            trial.Start("live", "w1");
            await Task.Delay(3500);
            trial.Kill("w1");
        }

        trial.Start("live", "w1");
        await feeding;
        var (calm, live) = await trial.CompareAsync(s_patience);

        Assert.Equal(6, calm.Count);
        AssertNothingLost(calm, live);
    }

    [Fact]
    public async Task Run_FaultsOfTheCluster_NothingIsLost()
    {
        using var mock = Broker.Mock(3);
        await using var trial = new KafkaTrial(mock.Servers, Cli.Program, 2, t => mock.Tell($"topic {t} 2")) { Delivery = "at_least_once" };
        var feeding = trial.FeedAsync(streams: 4, seconds: 16, pace: 1);
        trial.Start("live", "w1");
        await Task.Delay(4000);
        mock.Tell("errors 0 6 6 7 19"); // produce: not the leader, a time-out, too few replicas
        mock.Tell("errors 1 6 6"); // fetch: not the leader
        mock.Tell("errors 8 16 15 14"); // offsets: not the coordinator, not there, loading
        mock.Tell("errors 12 16 27"); // heartbeat: not the coordinator, a rebalance
        await Task.Delay(3000);
        mock.Tell($"leader {trial.Audio} 0 2");
        mock.Tell("down 1");
        await Task.Delay(3000);
        mock.Tell("up 1");
        await feeding;
        var (calm, live) = await trial.CompareAsync(s_patience);
        AssertNothingLost(calm, live);
    }

    [Fact]
    public async Task Run_NoBroker_KeepsTryingSaysSoAndEndsWhenAsked()
    {
        var worker = Start(Pipeline("audio", "events", "", servers: "127.0.0.1:1"));
        await Task.Delay(_broker.IsMock ? 6000 : 9000);
        Assert.False(worker.HasExited);
        Cli.Signal(worker, 2);
        var clock = Stopwatch.StartNew();
        var result = await Cli.FinishAsync(worker);

        Assert.Contains("in: away: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"{clock.Elapsed}");
    }

    [Fact]
    public async Task Run_FileToKafka_PublishesWhatAFileOfEventsGets()
    {
        var events = _broker.Topic("events", 1);
        Wav(12);
        var yaml = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: file, path: noise.wav} }
            model: {window: 1s, hop: 500ms}
            events: {threshold: 0.1}
            sinks:
              k: {type: kafka, bootstrap_servers: "{{_broker.Servers}}", topic: {{events}}, format: binary, states: closed}
              j: {type: jsonl, path: events.jsonl}
            """);
        var run = await Cli.RunAsync("run", yaml);

        Assert.True(run.ExitCode == 0, run.Error);
        var lines = File.ReadAllLines(Path.Combine(_folder, "events.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        var data = _broker.Read(events);
        Assert.NotEmpty(lines);
        Assert.Equal(lines.Select(l => l.GetProperty("id").GetString()), data.Select(d => d.GetProperty("id").GetString()));
        Assert.Equal(
            lines.Select(l => l.GetProperty("event_onset").GetDecimal()), data.Select(d => d.GetProperty("event_onset").GetDecimal()));

        var tail = await Cli.RunAsync("kafka", "tail", events, "--until-end", "--bootstrap-servers", _broker.Servers);
        Assert.Equal(data.Count, tail.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Feed_File_IsHeardAsTheFileIs()
    {
        var (audio, events) = (_broker.Topic("audio"), _broker.Topic("events", 1));
        var feed = await Cli.RunAsync("kafka", "feed", Wav(8), "--topic", audio, "--streams", "2", "--bootstrap-servers", _broker.Servers);
        Assert.Equal(0, feed.ExitCode);
        Assert.Contains("82 records", feed.Error, StringComparison.Ordinal); // 40 blocks and an end, twice

        Start(Pipeline(audio, events, ""));
        await DoneAsync(audio);
        var coverage = _broker.Read(events).Where(e => e.TryGetProperty("coverage", out _)).ToList();
        Assert.Equal(["noise-1", "noise-2"], coverage.Select(c => c.GetProperty("stream").GetString()).Distinct().Order());
        Assert.Equal(2 * 8 * 16_000, coverage.Sum(c => c.GetProperty("end_sample").GetInt64() - c.GetProperty("start_sample").GetInt64()));

        var lag = await Cli.RunAsync("kafka", "lag", audio, "--group", _group, "--json", "--bootstrap-servers", _broker.Servers);
        Assert.Equal(
            82, lag.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Sum(l => JsonDocument.Parse(l).RootElement.GetProperty("end").GetInt64()));
    }

    [Fact]
    public async Task Run_SoundAndEventsOfKcat_AreUnderstood()
    {
        var (audio, events) = (_broker.Topic("audio", 1), _broker.Topic("events", 1));
        for (var i = 0; i < 8; i++)
        {
            var block = Path.Combine(_folder, "block.raw");
            await File.WriteAllBytesAsync(block, Sound(i));
            await KcatAsync(
                "-P", "-t", audio, "-k", "yard", "-H", "encoding=s16le", "-H", "sample_rate=16000", "-H", $"first_sample={i * 4000}", "-H",
                "capture_time=2026-01-31T12:00:00.000Z", block);
        }

        Start(Pipeline(audio, events, "idle_timeout: 1s"));
        var clock = Stopwatch.StartNew();
        string said;
        while (!(said = await KcatAsync("-C", "-t", events, "-e", "-q", "-X", "isolation.level=read_committed", "-f", "%k|%h|%s\n"))
            .Contains("\"end_sample\":32000", StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < s_patience, said);
            await Task.Delay(300);
        }

        Assert.All(said.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
        {
            var parts = line.Split('|', 3);
            Assert.Equal(("yard", "content-type=application/cloudevents+json; charset=UTF-8"), (parts[0], parts[1]));
            Assert.Equal("1.0", JsonDocument.Parse(parts[2]).RootElement.GetProperty("specversion").GetString());
        });
    }

    [Fact]
    public async Task Lag_NoBroker_SaysSoInOneLine()
    {
        var result = await Cli.RunAsync("kafka", "lag", "audio", "--bootstrap-servers", "127.0.0.1:1");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(
            "127.0.0.1:1", Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private async Task<string> KcatAsync(params string[] arguments)
    {
        using var kcat = Process.Start(
            new ProcessStartInfo(
            "kcat", ["-b", _broker.Servers, .. arguments])
            { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (await kcat.StandardOutput.ReadToEndAsync(), await kcat.StandardError.ReadToEndAsync());
        await kcat.WaitForExitAsync();
        Assert.True(kcat.ExitCode == 0, error);
        return output;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A quarter of a second, s16le, of which a model makes events: a tone that dies away, over noise.</summary>
    private static byte[] Sound(int seed)
    {
        var bytes = new byte[8000];
        var random = new Random(seed);
        var pitch = 0.05 + random.NextDouble();
        for (var i = 0; i < bytes.Length; i += 2)
            BitConverter.TryWriteBytes(
                bytes.AsSpan(i), (short)(random.Next(-300, 300) + (12_000 * Math.Sin(pitch * i) * Math.Exp(-i / 2000.0))));
        return bytes;
    }

    /// <summary>Some records may come again, with the same ids.</summary>
    private static void AssertNothingLost(SortedDictionary<string, List<string>> calm, SortedDictionary<string, List<string>> live)
    {
        Assert.Contains(calm.Values.SelectMany(records => records), r => r.Contains("event_label", StringComparison.Ordinal));
        var differences = TrialRecords.Differences(calm, live, mayRepeat: true).ToList();
        Assert.True(differences.Count == 0, string.Join('\n', differences.Take(20)));
    }

    /// <summary>A file of so many seconds of it.</summary>
    private string Wav(int seconds)
    {
        var path = Path.Combine(_folder, "noise.wav");
        using var wav = new WavWriter(path, 16_000, 1);
        var samples = new float[4000];
        var decoder = new PcmDecoder(new PcmFormat(PcmEncoding.S16, 16_000, 1));
        for (var i = 0; i < 4 * seconds; i++)
        {
            decoder.Decode(Sound(i), samples);
            wav.Write(samples);
        }

        return path;
    }

    private string Pipeline(string audio, string events, string more, string? servers = null)
    {
        if (_broker.IsMock && servers is null)
        {
            // It can't be asked to make topics by what it speaks.
            _broker.Tell($"topic {audio}-state 2");
            _broker.Tell($"topic {audio}-dead-letter 1");
        }

        var yaml = Path.Combine(_folder, $"{Guid.NewGuid():N}.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: kafka, bootstrap_servers: "{{servers ?? _broker.Servers}}", topics: {{audio}}, group: {{_group}}, state_topic: {{audio}}-state, commit_interval: 100ms, delivery: {{(_broker.IsMock ? "at_least_once" : "auto")}}{{(more.Length > 0 ? ", " + more : "")}} } }
            model: {window: 1s, hop: 500ms}
            events: {threshold: 0.1}
            sinks: {out: {type: kafka, bootstrap_servers: "{{servers ?? _broker.Servers}}", topic: {{events}}, records: [events, coverage]} }
            """);
        return yaml;
    }

    private Process Start(string yaml)
    {
        var worker = Cli.Start("run", yaml);
        _workers.Add(worker);
        return worker;
    }

    private async Task DoneAsync(string audio)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var lags = await KafkaTools.LagAsync(new KafkaAccess(_broker.Servers, new Dictionary<string, string>()), _group, [audio]);
            if (lags.All(l => l.Lag == 0))
                return;
            Assert.True(clock.Elapsed < s_patience,
                $"not done: {string.Join(", ", lags)}; "
                    + $"{(_workers[^1].HasExited ? await _workers[^1].StandardError.ReadToEndAsync() : "the worker runs")}");
            await Task.Delay(200);
        }
    }
}
