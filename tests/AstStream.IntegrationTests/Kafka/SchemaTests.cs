using System.Buffers.Binary;
using System.Text.Json;
using AstStream.LoadTest;
using AstStream.Tests.Shared;
using Confluent.Kafka;
using Microsoft.AspNetCore.Http;

namespace AstStream.IntegrationTests.Kafka;

/// <summary>Records with the number of their schema, as Confluent's readers expect them; and headers that events carry.</summary>
public sealed class SchemaTests : IDisposable
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
    public async Task Run_RegistryThatIsBusyAtFirst_EveryRecordIsThereWithTheNumberOfItsSchema()
    {
        var registered = new Dictionary<string, (int Id, string Schema)>();
        await using var registry = await TargetStandIn.StartAsync(async (context, number) =>
        {
            context.Response.ContentType = "application/vnd.schemaregistry.v1+json";
            if (number < 2)
            {
                context.Response.StatusCode = 503;
                await context.Response.WriteAsync("""{"error_code": 50301, "message": "not yet"}""");
                return;
            }

            var body = await JsonDocument.ParseAsync(context.Request.Body);
            var schema = body.RootElement.GetProperty("schema").GetString()!;
            lock (registered)
                registered[context.Request.Path.Value!.Split('/')[2]] = (70_000 + number, schema);
            await context.Response.WriteAsync($$"""{"id": {{70_000 + number}}}""");
        });
        var events = _broker.Topic("events", 1);
        Tones.Write(_folder, "a.wav", 30);
        var yaml = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: file, path: a.wav} }
            events: {threshold: 0, max_duration: 5s}
            sinks:
              out:
                type: kafka
                bootstrap_servers: "{{_broker.Servers}}"
                topic: {{events}}
                records: [events, coverage]
                format: binary
                schema_registry: {url: "{{registry.Address}}", max.retries: 1}
                schema_subjects: topic_record
            """);

        var run = await Cli.RunAsync("run", yaml);
        var tail = await Cli.RunAsync("kafka", "tail", events, "--until-end", "--json", "--bootstrap-servers", _broker.Servers);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("not yet", run.Error, StringComparison.Ordinal);
        Assert.Equal([$"{events}-aststream.coverage.v1", $"{events}-aststream.event.v1"], registered.Keys.Order(StringComparer.Ordinal));
        var messages = _broker.Messages(events);
        Assert.True(messages.Count > 3);
        foreach (var message in messages)
        {
            var type = System.Text.Encoding.UTF8.GetString(message.Headers.GetLastBytes("ce_type"));
            var (id, schema) = registered[$"{events}-{type}"];
            Assert.Equal(0, message.Value![0]);
            Assert.Equal(id, BinaryPrimitives.ReadInt32BigEndian(message.Value.AsSpan(1)));
            Assert.Equal(type, JsonDocument.Parse(schema).RootElement.GetProperty("title").GetString());
            Assert.Equal("in", JsonDocument.Parse(message.Value.AsMemory(5)).RootElement.GetProperty("source").GetString());
        }

        Assert.Equal(messages.Count, tail.Output.Split('\n').Count(l => l.StartsWith('{')));
    }

    [Fact]
    public async Task Run_SoundWithHeaders_EventsCarryThoseOfTheirLastRecord()
    {
        var (audio, events) = (_broker.Topic("audio", 1), _broker.Topic("events", 1));
        if (_broker.IsMock)
        {
            _broker.Tell($"topic {audio}-state 1");
            _broker.Tell($"topic {audio}-dead-letter 1");
        }

        using (var producer = new ProducerBuilder<string, byte[]?>(new ProducerConfig { BootstrapServers = _broker.Servers }).Build())
        {
            var samples = new short[4000];
            for (var block = 0; block < 80; block++)
            {
                TrialSound.Fill(1, block, samples);
                var message = new Message<string, byte[]?>
                {
                    Key = "yard",
                    Value = System.Runtime.InteropServices.MemoryMarshal.AsBytes(samples.AsSpan()).ToArray(),
                    Headers = [],
                };
                message.Headers.Add("traceparent", Text(Trace(block)));
                message.Headers.Add("site", Text(block == 7 ? new string('x', 5000) : "north"));
                message.Headers.Add("other", Text("stays"));
                producer.Produce(audio, message);
            }

            producer.Produce(audio, new Message<string, byte[]?> { Key = "yard", Value = null });
            producer.Flush(s_patience);
        }

        var yaml = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources:
              in:
                type: kafka
                bootstrap_servers: "{{_broker.Servers}}"
                topics: {{audio}}
                group: {{audio}}
                state_topic: {{audio}}-state
                commit_interval: 100ms
                delivery: {{(_broker.IsMock ? "at_least_once" : "exactly_once")}}
                carry_headers: [traceparent, site]
            model: {window: 1s, hop: 500ms}
            events: {threshold: 0.1}
            sinks: {out: {type: kafka, bootstrap_servers: "{{_broker.Servers}}", topic: {{events}}, format: binary} }
            """);
        var worker = Cli.Start("run", yaml);
        for (var i = 0; i < 300 && !(await LagAsync(audio)).Contains("\"lag\":0", StringComparison.Ordinal); i++)
            await Task.Delay(100);
        Cli.Signal(worker, 2);
        var result = await Cli.FinishAsync(worker);

        Assert.Contains("5055 bytes in the headers that events carry; expected at most 4096", result.Error, StringComparison.Ordinal);
        var opened = _broker.Messages(events).Where(m => Header(m, "ce_id")!.EndsWith("-opened", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(opened);
        foreach (var message in opened)
        {
            var last = JsonDocument.Parse(message.Value!).RootElement.GetProperty("evidence").GetProperty("last_offset").GetInt32();
            Assert.Equal(last == 7 ? null : Trace(last), Header(message, "traceparent"));
            Assert.Equal(last == 7 ? null : "north", Header(message, "site"));
            Assert.Null(Header(message, "other"));
        }
    }

    [Theory]
    [InlineData("schema_registry: {url: http://r}", "needs format: binary")]
    [InlineData("format: binary, schema_registry: {urk: http://r}", "has no url")]
    [InlineData("format: binary, schema_registry: {url: ftp://me:secret@r}", "no http:// or https:// one")]
    [InlineData("format: binary, schema_registry: {url: http://r, max.retires: 3}", "max.retires")]
    [InlineData("format: binary, schema_registry: {url: http://me:secret@r}", "expected basic.auth.user.info")]
    [InlineData("format: binary, schema_registry: {url: http://r, request.timeout.ms: 99999999999}", ": request.timeout.ms: ")]
    [InlineData("format: binary, schema_registry: {url: https://r, ssl.ca.location: /nowhere.pem}", "/nowhere.pem")]
    [InlineData("format: binary, schema_registry: {url: http://r, max.retries: 0}", "max.retries is 0; expected at least 1")]
    [InlineData("format: binary, records: [events, scores], schema_registry: {url: http://r}", "expected schema_subjects: topic_record")]
    public async Task Validate_RegistryThatCantBeUsed_SaysSoWithItsLine(string keys, string problem)
    {
        var yaml = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(yaml, $$"""
            sources: {in: {type: file, path: a.wav} }
            sinks: {out: {type: kafka, bootstrap_servers: "x:1", topic: t, {{keys}}} }
            """);

        var result = await Cli.RunAsync("validate", yaml);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("p.yaml:2:", result.Error, StringComparison.Ordinal);
        Assert.Contains(problem, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", result.Error, StringComparison.Ordinal);
    }

    private static byte[] Text(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static string Trace(int offset) => $"00-{offset:x32}-{offset + 1:x16}-01";

    private static string? Header(Message<string, byte[]?> message, string name) =>
        message.Headers.TryGetLastBytes(name, out var bytes) ? System.Text.Encoding.UTF8.GetString(bytes) : null;

    private async Task<string> LagAsync(string audio) =>
        (await Cli.RunAsync("kafka", "lag", audio, "--group", audio, "--json", "--bootstrap-servers", _broker.Servers)).Output;
}
