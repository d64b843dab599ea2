using System.Text;
using AstStream.LoadTest;
using Confluent.Kafka;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>kafka topics, kafka dlq and kafka lag, over a mock cluster or the real one.</summary>
public sealed class KafkaAdminTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(45);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
    private readonly Broker _broker = Broker.Any();

    public void Dispose()
    {
        _broker.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Topics_DryRun_ShowsWhatIsThereAndWhatWouldBeMade()
    {
        var audio = _broker.Topic("audio", 1);
        var yaml = Write(audio, $"{audio}-events");

        var result = await Cli.RunAsync("kafka", "topics", "create", yaml, "--partitions", "8", "--dry-run");

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Matches($@"{audio} +sound +1 +1 +is there", result.Output);
        Assert.Matches($@"{audio}-dead-letter +dead letters +1 +1 +would be made", result.Output);
        Assert.Matches($@"{audio}-group-state +state +8 +1 +would be made", result.Output);
        Assert.Matches($@"{audio}-events +events +8 +1 +would be made", result.Output);
        Assert.Contains($"warning: {audio}: fewer than 8: at most 1 workers share it", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeadLetters_ListedAndReplayed_ComeAsAStreamOfTheirOwnWithTheirOwnHeaders()
    {
        var (audio, dead) = (_broker.Topic("audio", 1), _broker.Topic("dead", 1));
        Send(dead, "yard", [1, 2, 3, 4], ("encoding", "s16le"), ("session", "a"), ("first_sample", "16000"),
            ("error", "header encoding is 'opus'\u001b[31m"), ("source_topic", audio), ("source_partition", "3"), ("source_offset", "77"));
        Send(dead, "yard", [1, 2], ("error", "too large"), ("source_topic", audio), ("source_partition", "3"), ("source_offset", "78"),
            ("source_length", "9000000"));
        Send(dead, "other", [9]);

        var list = await Cli.RunAsync("kafka", "dlq", "list", dead, "--error", "opus", "--bootstrap-servers", _broker.Servers);
        var replay = await Cli.RunAsync("kafka", "dlq", "replay", dead, "--bootstrap-servers", _broker.Servers);

        Assert.True(list.ExitCode == 0, list.Error);
        var line = Assert.Single(list.Output.Trim().Split('\n'));
        Assert.Contains($"{audio}/3/77  header encoding is 'opus'", line, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', list.Output);
        Assert.True(replay.ExitCode == 0, replay.Error);
        Assert.Contains("1 records sent again", replay.Error, StringComparison.Ordinal);
        Assert.Contains("0/1: only 2 of its 9000000 bytes are here", replay.Error, StringComparison.Ordinal);
        Assert.Contains("0/2: it does not say where it came from", replay.Error, StringComparison.Ordinal);
        var sent = _broker.Messages(audio);
        Assert.Equal(2, sent.Count);
        Assert.Equal(("yard-replay", "yard-replay"), (sent[0].Key, sent[1].Key));
        Assert.Equal([1, 2, 3, 4], sent[0].Value);
        Assert.Null(sent[1].Value); // the end of the stream
        Assert.Equal(
            ["encoding=s16le", "first_sample=16000", "session=replay"],
            sent[0].Headers.Select(h => $"{h.Key}={Encoding.UTF8.GetString(h.GetValueBytes())}"));
    }

    [Fact]
    public async Task Lag_RecordsThatWait_SaysHowLong()
    {
        var audio = _broker.Topic("audio", 2);
        Send(audio, "yard", [1, 2]);
        await Task.Delay(1500);
        Send(audio, "yard", [3, 4]);

        var result = await Cli.RunAsync("kafka", "lag", audio, "--json", "--bootstrap-servers", _broker.Servers, "--group", $"{audio}-g");

        Assert.True(result.ExitCode == 0, result.Error);
        var behind = result.Output.Trim().Split('\n').Single(l => l.Contains("\"lag\":2", StringComparison.Ordinal));
        var seconds = double.Parse(behind.Split("\"behind_seconds\":")[1].TrimEnd('}'), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(seconds, 1.4, 60);
    }

    [Fact]
    public async Task Feed_TopicOfOnePartition_SaysSo()
    {
        var (one, two) = (_broker.Topic("one", 1), _broker.Topic("two", 2));
        var wav = Path.Combine(_folder, "a.wav");
        using (var file = new Dsp.WavWriter(wav, 16_000, 1))
            file.Write(new float[1600]);

        var said = await Cli.RunAsync("kafka", "feed", wav, "--topic", one, "--bootstrap-servers", _broker.Servers);
        var silent = await Cli.RunAsync("kafka", "feed", wav, "--topic", two, "--bootstrap-servers", _broker.Servers);
        var twice = await Cli.RunAsync("kafka", "feed", wav, wav, "--topic", two, "--bootstrap-servers", _broker.Servers);

        Assert.Equal(1, twice.ExitCode);
        Assert.Contains("would be one stream, 'a'; expected files of different names", twice.Error, StringComparison.Ordinal);

        Assert.Contains($"note: topic {one} has one partition", said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("partition", silent.Error, StringComparison.Ordinal);
    }

    private string Write(string audio, string events)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $$"""
            sources: {in: {type: kafka, bootstrap_servers: "{{_broker.Servers}}", topics: {{audio}}, group: {{audio}}-group} }
            sinks: {out: {type: kafka, bootstrap_servers: "{{_broker.Servers}}", topic: {{events}} } }
            """);
        return path;
    }

    private void Send(string topic, string key, byte[] value, params (string Name, string Value)[] headers)
    {
        using var producer = new ProducerBuilder<string, byte[]?>(new ProducerConfig { BootstrapServers = _broker.Servers }).Build();
        var message = new Message<string, byte[]?> { Key = key, Value = value, Headers = [] };
        foreach (var (name, text) in headers)
            message.Headers.Add(name, Encoding.UTF8.GetBytes(text));
        producer.Produce(topic, message);
        Assert.Equal(0, producer.Flush(s_patience));
    }
}
