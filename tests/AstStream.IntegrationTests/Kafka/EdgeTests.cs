using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.LoadTest;
using Confluent.Kafka;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>A small box that publishes sound, and no model.</summary>
public sealed class EdgeTests : IDisposable
{
    private const int Second = 32_000; // bytes

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(45);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-edge").FullName;
    private readonly List<Process> _started = [];

    public void Dispose()
    {
        foreach (var process in _started)
        {
            if (!process.HasExited)
                process.Kill();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Run_FileToTopic_EverySampleIsThereOnceAndTheStreamEnds()
    {
        using var broker = Broker.Any();
        var topic = broker.Topic("edge", 1);
        var samples = new float[44_100 + 123];
        var random = new Random(1);
        foreach (ref var sample in samples.AsSpan())
            sample = random.Next(-30_000, 30_000) / 32_768f;
        using (var wav = new WavWriter(Path.Combine(_folder, "yard.wav"), 44_100, 1))
            wav.Write(samples);

        var run = await Cli.RunAsync("run", Pipeline(broker, topic, "{type: file, path: yard.wav}", "block: 100ms"));

        Assert.True(run.ExitCode == 0, run.Error);
        var records = Read(broker, topic);
        Assert.All(records, r => Assert.Equal("in", r.Key));
        Assert.Null(records[^1].Value);
        var expected = new byte[samples.Length * 2];
        WavWriter.ToPcm16(samples, expected);
        Assert.Equal(expected, records.SelectMany(r => r.Value ?? []));
        Assert.Equal(Enumerable.Range(0, 11).Select(i => i * 4410L), records[..^1].Select(First));
        Assert.Equal("44100", Header(records[0], "sample_rate"));
    }

    [Fact]
    public async Task Run_BrokerAwayAndProgramKilled_SpoolKeepsTheSoundInOrder()
    {
        using var broker = Broker.Mock();
        var topic = broker.Topic("edge", 1);
        broker.Tell("down 1");
        var yaml = Pipeline(broker, topic, "{type: stdin}", "spool: spool.db");
        var sound = Count(10 * Second);
        var first = Start(yaml);
        await first.StandardInput.BaseStream.WriteAsync(sound);
        await first.StandardInput.BaseStream.FlushAsync();
        var clock = Stopwatch.StartNew();
        while (new DirectoryInfo(_folder).GetFiles("spool.db*").Sum(f => f.Length) < 8 * Second)
        {
            Assert.True(clock.Elapsed < s_patience, "the spool does not grow");
            await Task.Delay(100);
        }

        first.Kill();
        await first.WaitForExitAsync();
        broker.Tell("up 1");
        var second = Start(yaml);
        await second.StandardInput.BaseStream.WriteAsync(sound.AsMemory(0, Second));
        second.StandardInput.Close();
        var result = await Cli.FinishAsync(second);

        Assert.True(result.ExitCode == 0, result.Error);
        var sessions = Read(broker, topic).GroupBy(r => Header(r, "session")).ToList();
        Assert.True(
            sessions.Count == 3, // the killed one, the next one, and its end, which has no headers
            $"{string.Join(", ", sessions.Select(s => $"'{s.Key}' {s.Count()} records"))}; {result.Error}");
        var kept = sessions[0].SelectMany(r => r.Value!).ToArray();
        Assert.InRange(kept.Length, 8 * Second, 10 * Second);
        Assert.Equal(sound[..kept.Length], kept);
        Assert.Equal(sound[..Second], sessions[1].SelectMany(r => r.Value!).ToArray());
    }

    [Fact]
    public async Task Run_BrokerAwayAtTheEnd_EndsWithTheNewestSoundInTheSpool()
    {
        using var broker = Broker.Mock();
        var topic = broker.Topic("edge", 1);
        broker.Tell("down 1");
        var yaml = Pipeline(broker, topic, "{type: stdin}", "spool: spool.db, spool_size: 1MB, buffer_memory: 1MB");
        var sound = Count(120 * Second);
        var away = Start(yaml);
        await away.StandardInput.BaseStream.WriteAsync(sound);
        away.StandardInput.Close();
        var result = await Cli.FinishAsync(away);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("sound is not delivered", result.Error, StringComparison.Ordinal);
        Assert.Contains("the oldest first", result.Error, StringComparison.Ordinal);
        Assert.Contains("wait in", result.Error, StringComparison.Ordinal);
        broker.Tell("up 1");
        await Cli.FinishAsync(Start(yaml), sound[..Second]);
        var records = Read(broker, topic);
        var end = records.FindIndex(r => r.Value is null);
        Assert.Equal(sound[..Second], records.Skip(end).SelectMany(r => r.Value ?? []));
        records = records[..end];
        var kept = records.SelectMany(r => r.Value ?? []).ToArray();
        Assert.InRange(kept.Length, 800_000, 1_000_000);
        Assert.Equal(sound[^kept.Length..], kept);
    }

    [Theory]
    [InlineData("broken", "damaged, or no spool")]
    [InlineData("folder", "spool.db")]
    public async Task Run_SpoolThatCannotBeUsed_SaysSoAndDoesNotStart(string how, string says)
    {
        if (how == "folder")
            Directory.CreateDirectory(Path.Combine(_folder, "spool.db"));
        else
            File.WriteAllText(Path.Combine(_folder, "spool.db"), string.Concat(Enumerable.Repeat("no database ", 1000)));
        var yaml = Path.Combine(_folder, "edge.yaml");
        File.WriteAllText(
            yaml, "sources: {in: {type: stdin}}\nsinks: {audio: {type: kafka, bootstrap_servers: \"127.0.0.1:1\", topic: t, records: "
                + "audio, spool: spool.db}}\n");

        var result = await Cli.FinishAsync(Start(yaml), []);

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_EdgeToWorker_HearsWhatTheFileGives()
    {
        using var broker = Broker.Any();
        var (topic, scores) = (broker.Topic("edge", 1), broker.Topic("scores", 1));
        if (broker.IsMock)
            Array.ForEach([$"{topic}-state", $"{topic}-dead-letter"], t => broker.Tell($"topic {t} 1"));
        var samples = new float[6 * 16_000];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = MathF.Round(MathF.Sin(i * 0.3f) * 8000) / 32_768;
        using (var wav = new WavWriter(Path.Combine(_folder, "tone.wav"), 16_000, 1))
            wav.Write(samples);
        var edge = await Cli.RunAsync("run", Pipeline(broker, topic, "{type: file, path: tone.wav}", "block: 170ms"));
        Assert.True(edge.ExitCode == 0, edge.Error);

        List<JsonElement> heard = [];
        foreach (var (name, source) in new[]
        {
            ("file", "{type: file, path: tone.wav}"),
            ("kafka", $"{{type: kafka, bootstrap_servers: \"{broker.Servers}\", topics: {topic}, state_topic: {topic}-state, group: "
                + $"{topic}, commit_interval: 100ms{(broker.IsMock ? ", delivery: at_least_once" : "")}}}"),
        })
        {
            var yaml = Path.Combine(_folder, $"{name}.yaml");
            File.WriteAllText(yaml, $$"""
                sources: {in: {{source}}}
                model: {window: 1s, hop: 500ms}
                sinks: {scores: {type: kafka, bootstrap_servers: "{{broker.Servers}}", topic: {{scores}}, records: scores} }
                """);
            var worker = Start(yaml);
            var clock = Stopwatch.StartNew();
            List<JsonElement> got;
            while ((got = [.. broker.Read(scores).Skip(heard.Count)]).Count < 11)
            {
                Assert.True(clock.Elapsed < s_patience, $"{name}: {got.Count} frames");
                await Task.Delay(200);
            }

            if (name == "kafka")
                Cli.Signal(worker, 2);
            await Cli.FinishAsync(worker);
            heard.AddRange(got);
        }

        Assert.Equal(22, heard.Count);
        Assert.Equal(531, heard[0].GetProperty("scores").EnumerateObject().Count());
        for (var i = 0; i < 11; i++)
        {
            Assert.Equal(heard[i].GetProperty("start_sample").GetInt64(), heard[i + 11].GetProperty("start_sample").GetInt64());
            Assert.Equal(heard[i].GetProperty("scores").ToString(), heard[i + 11].GetProperty("scores").ToString());
        }
    }

    /// <summary>16-bit samples that count.</summary>
    private static byte[] Count(int bytes)
    {
        var sound = new byte[bytes];
        for (var i = 0; i < bytes / 2; i++)
            BitConverter.TryWriteBytes(sound.AsSpan(i * 2), (short)i);
        return sound;
    }

    private static long First(Message<string, byte[]?> record) => long.Parse(Header(record, "first_sample"), CultureInfo.InvariantCulture);

    private static string Header(Message<string, byte[]?> record, string name) =>
        record.Headers.TryGetLastBytes(name, out var bytes) ? Encoding.UTF8.GetString(bytes) : "";

    private static List<Message<string, byte[]?>> Read(Broker broker, string topic)
    {
        using var consumer = new ConsumerBuilder<string, byte[]?>(
            new ConsumerConfig { BootstrapServers = broker.Servers, GroupId = "test", EnablePartitionEof = true }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        var records = new List<Message<string, byte[]?>>();
        while (consumer.Consume(s_patience) is { IsPartitionEOF: false } result)
            records.Add(result.Message);
        return records;
    }

    private string Pipeline(Broker broker, string topic, string source, string sink)
    {
        var yaml = Path.Combine(_folder, $"edge-{Guid.NewGuid():N}.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {{source}}}
            sinks: {audio: {type: kafka, bootstrap_servers: "{{broker.Servers}}", topic: {{topic}}, records: audio, {{sink}} } }
            """);
        return yaml;
    }

    private Process Start(string yaml)
    {
        var process = Cli.Start("run", yaml);
        _started.Add(process);
        return process;
    }
}
