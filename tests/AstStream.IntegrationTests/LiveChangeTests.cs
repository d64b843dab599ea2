using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests;

/// <summary>A run that hears from outside: edited definitions, SIGHUP, a collector of metrics.</summary>
public sealed class LiveChangeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_EditedDefinition_IsTakenOverAndABadOneRefused(bool byHangup)
    {
        var path = Write(1);
        using var process = Cli.Start(byHangup ? ["run", path, "--no-watch"] : ["run", path]);
        Assert.Matches("ast-audioset-tiny on cpu in float32, .* [0-9.]+ windows/s at the start$", await LineAsync(process));
        await SendAsync(process, 3);

        File.WriteAllText(path, "sources: {mic: {type: stdin}}\nevents: {treshold: 0}\nsinks: {out: {type: jsonl, path: out.jsonl}}");
        await HangUpAsync(process, byHangup);
        Assert.EndsWith($" error: {path}:2:10: unknown key 'events.treshold'; did you mean 'threshold'?; the run goes on as it was",
            await LineAsync(process), StringComparison.Ordinal);
        Write(0);
        await HangUpAsync(process, byHangup);
        Assert.EndsWith($" note: {path}: taken over: events", await LineAsync(process), StringComparison.Ordinal);
        await SendAsync(process, 6);
        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("coverage          9.0 s: analysed 9.0 s", result.Error, StringComparison.Ordinal);
        var e = JsonSerializer.Deserialize<JsonElement>(Assert.Single(await File.ReadAllLinesAsync(Path.Combine(_folder, "out.jsonl"))));
        Assert.Equal(9, e.GetProperty("event_offset").GetDouble());
    }

    [Fact]
    public async Task Run_AnotherModelInTheDefinition_OpensBesideAndTakesOver()
    {
        SmallModel.Make(_folder, "other", 0);
        var path = Path.Combine(_folder, "p.yaml");
        void Edit(string model) => File.WriteAllText(
            path, $"sources: {{mic: {{type: stdin}}}}\nmodel: {{{model}}}\n"
                + "sinks: {console: {type: console, format: json, records: coverage}}");
        Edit("hop: 1s");
        using var process = Cli.Start(["run", path]);
        await UntilAsync(process, "ast-audioset-tiny on cpu");
        await SendAsync(process, 8);

        Edit("path: nowhere");
        Assert.Matches(@"p\.yaml:2:\d+: model\.path: .*/nowhere: no such folder", await UntilAsync(process, "error"));
        Edit("path: other");
        Assert.EndsWith($" note: {path}: taken over: model", await UntilAsync(process, "taken over"), StringComparison.Ordinal);
        await SendAsync(process, 8);
        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToList();
        Assert.Equal(2, lines.Select(l => l.GetProperty("model_hash").GetString()).Distinct().Count());
        Assert.Equal(0, lines[0].GetProperty("start_sample").GetInt64());
        Assert.Equal(16 * 16_000, lines[^1].GetProperty("end_sample").GetInt64());
        Assert.All(lines.Zip(lines.Skip(1)), l => Assert.Equal(
            l.First.GetProperty("end_sample").GetInt64(), l.Second.GetProperty("start_sample").GetInt64()));
        Assert.Contains("model             other on cpu", result.Error, StringComparison.Ordinal); // the summary names the last one
    }

    [Fact]
    public async Task Run_CoverageSink_WritesWhatBecameOfEverySecond()
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(
            path, "sources: {mic: {type: stdin, live: true}}\nmodel: {gate: true}\nsinks: {console: {type: console, format: json, "
                + "records: coverage}}");

        var result = await Cli.RunAsync(new byte[16_000 * 2 * 100], ["run", path]);

        Assert.Equal(0, result.ExitCode);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToList();
        long end = 0;
        foreach (var line in lines)
        {
            Assert.Equal(end, line.GetProperty("start_sample").GetInt64());
            end = line.GetProperty("end_sample").GetInt64();
        }

        Assert.Equal(16_000 * 100, end);
        Assert.Contains("gated", lines.Select(l => l.GetProperty("coverage").GetString()));
    }

    [Fact]
    public async Task Run_WithACollector_ExportsItsMetrics()
    {
        using var collector = new HttpListener();
        var port = FreePort.Find();
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        var received = new StringBuilder();
        var collecting = Task.Run(async () =>
        {
            while (collector.IsListening)
            {
                var context = await collector.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                lock (received)
                    received.Append(context.Request.Url!.AbsolutePath).Append(' ').Append(Encoding.Latin1.GetString(body.ToArray()));
                context.Response.Close();
            }
        });
        var path = Write(0);
        var environment = new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = $"http://127.0.0.1:{port}",
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
        };
        using var process = Cli.Start(environment, "run", path);
        await SendAsync(process, 6);

        Assert.Equal(0, (await Cli.FinishAsync(process)).ExitCode);

        collector.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => collecting);
        lock (received)
        {
            var text = received.ToString();
            foreach (var name in (
                string[])["/v1/metrics", "aststream", "aststream_blocks_total", "aststream_coverage_seconds_total",
                "aststream_inference_seconds", "aststream_queue_depth", "aststream_events_total", "analysed"])
                Assert.Contains(name, text, StringComparison.Ordinal);
        }
    }

    /// <summary>Seconds of silence. A pipe holds two of them: when this returns, all but two have been read.</summary>
    private static async Task SendAsync(Process process, int seconds)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.StandardInput.BaseStream.WriteAsync(new byte[32_000 * seconds], timeout.Token);
        await process.StandardInput.BaseStream.FlushAsync(timeout.Token);
    }

    private static Task HangUpAsync(Process process, bool byHangup)
    {
        if (byHangup)
            Cli.Signal(process, 1);
        return Task.CompletedTask;
    }

    /// <summary>The next line that has a word.</summary>
    private static async Task<string> UntilAsync(Process process, string word)
    {
        while (await LineAsync(process) is { } line)
        {
            if (line.Contains(word, StringComparison.Ordinal))
                return line;
        }

        throw new EndOfStreamException($"no line with '{word}'");
    }

    private static async Task<string?> LineAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await process.StandardError.ReadLineAsync(timeout.Token);
    }

    private string Write(double threshold)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, FormattableString.Invariant(
            $$$"""
            sources: {mic: {type: stdin}}
            events: {threshold: {{{threshold}}}, labels: [Rain]}
            sinks: {out: {type: jsonl, path: out.jsonl}}
            """));
        return path;
    }
}
