using System.Text.Json;

namespace AstStream.IntegrationTests;

public sealed class CliTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(new string[0], "Commands:")]
    [InlineData(new[] { "--help" }, "Exit codes: 0 all was done")]
    [InlineData(new[] { "run", "--help" }, "aststream run pipelines/demo.yaml --set events.threshold=0.6")]
    [InlineData(new[] { "validate", "--help" }, "Example:")]
    [InlineData(new[] { "graph", "--help" }, "--mermaid")]
    [InlineData(new[] { "classify", "--help" }, "--function-to-apply <auto|none|sigmoid|softmax>")]
    [InlineData(new[] { "features", "--help" }, "--raw")]
    [InlineData(new[] { "outputs", "--help" }, "--output attentions --attention eager")]
    [InlineData(new[] { "model", "info", "--help" }, "--window 2.56s")]
    [InlineData(new[] { "model", "import", "--help" }, "hf://MIT/ast-finetuned-audioset-10-10-0.4593")]
    [InlineData(new[] { "model", "average", "--help" }, "Example:")]
    [InlineData(new[] { "model", "--help" }, "Examples:")]
    [InlineData(new[] { "bench", "--help" }, "Example:")]
    [InlineData(new[] { "bench", "model", "--help" }, "--random base")]
    [InlineData(new[] { "schema", "--help" }, "Examples:")]
    [InlineData(new[] { "kafka", "feed", "--help" }, "--realtime")]
    [InlineData(new[] { "kafka", "tail", "--help" }, "Examples:")]
    [InlineData(new[] { "kafka", "lag", "--help" }, "Examples:")]
    public async Task Help_EveryCommand_ShowsExamples(string[] arguments, string text)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(text, result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }

    [Theory]
    [InlineData(new[] { "clasify" }, "expected one of: init, doctor, run, validate, graph")]
    [InlineData(new[] { "run" }, "Required argument missing")]
    [InlineData(new[] { "run", "" }, "error: ")]
    [InlineData(new[] { "model", "info", "a", "b" }, "for help: aststream model info --help")]
    [InlineData(new[] { "classify", "a.wav", "--top-k", "0" }, "--top-k: expected a whole number of 1 or more")]
    [InlineData(new[] { "classify", "a.wav", "--top-k", "x" }, "--top-k: expected a whole number of 1 or more")]
    [InlineData(new[] { "classify", "--nope", "a.wav" }, "--nope: there is no such option, and no such file")]
    [InlineData(new[] { "classify", "a.wav", "--function-to-apply", "tanh" }, "tanh")]
    [InlineData(new[] { "run", "/nowhere/p.yaml" }, "error: /nowhere/p.yaml: no such file")]
    [InlineData(new[] { "model", "info", "/nowhere" }, "error: /nowhere: no such folder")]
    [InlineData(new[] { "classify", "a.wav", "--model", "/nowhere" }, "error: /nowhere: no such folder")]
    public async Task AnyCommand_WrongUse_OneClearErrorAndExitCode2(string[] arguments, string text)
    {
        var result = await Cli.RunAsync(arguments);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(text, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Fact]
    public async Task Run_ThousandsOfSources_AreHeardByOneProcess()
    {
        var folder = Directory.CreateTempSubdirectory("aststream-many-").FullName;
        File.Copy(Path.Combine(AppContext.BaseDirectory, "reference/audio/short-24ms9.wav"), Path.Combine(folder, "x.wav"));
        var definition = Path.Combine(folder, "p.yaml");
        var sources = string.Concat(Enumerable.Range(0, 5000).Select(i => $"  s{i}: {{type: file, path: x.wav}}\n"));
        File.WriteAllText(definition, $"sources:\n{sources}sinks:\n  out: {{type: jsonl, path: out.jsonl}}\n");

        var checks = await Cli.RunAsync("validate", definition);
        var run = await Cli.RunAsync("run", definition);

        Assert.Equal((0, 0), (checks.ExitCode, run.ExitCode));
        Assert.Contains("streams           5000", run.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(64)]
    [InlineData(140)]
    public async Task AnyCommand_TooFewHandles_SaysSoAndNothingElse(int handles)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("bash", ["-c", $"ulimit -n {handles}; exec dotnet exec '{Cli.Program}' --help"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;

        var result = await Cli.FinishAsync(process);

        Assert.Equal(1, result.ExitCode);
        Assert.Equal($"error: at most {handles} files may be open at once (ulimit -n); expected at least 160, and 4 more for each source\n",
            result.Error);
    }

    [Fact]
    public async Task AnyCommand_NamedPipe_IsRefusedAtOnce()
    {
        var pipe = Path.Combine(_folder, "pipe.wav");
        using (var make = System.Diagnostics.Process.Start("mkfifo", [pipe]))
            await make.WaitForExitAsync();
        Tones.Write(_folder, "tone.wav", 5);
        var pipeline = Pipeline("sources: {a: {type: file, path: '*.wav'}}\nsinks: {out: {type: jsonl, path: out.jsonl}}");

        var classify = await Cli.RunAsync("classify", pipe);
        var run = await Cli.RunAsync("run", pipeline);

        Assert.Equal((3, 3), (classify.ExitCode, run.ExitCode));
        Assert.All((Cli.Result[])[classify, run],
            r => Assert.Contains("pipe.wav: is a pipe or a device; expected a WAV file", r.Error, StringComparison.Ordinal));
        Assert.Contains("sound             5.0 s", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfo_DefaultModel_ShowsTokensParametersAndCost()
    {
        var result = await Cli.RunAsync("model", "info");

        Assert.Equal(0, result.ExitCode);
        string[] texts =
        [
            "258 (8 × 32 patches + 2)", "2,927,088 in 113 tensors, F16", "GMAC per window", "sigmoid", "Church bell", "esc50 (50 classes)",
            "93 groups of labels",
        ];
        foreach (var text in texts)
            Assert.Contains(text, result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PipelineWithMistakes_TellsAllWithLinesAndRunsNothing()
    {
        var pipeline = Pipeline("""
            sources:
              a: {type: file, pth: x.wav}
            events: {treshold: 2}
            sinks:
              out: {type: jsonl, path: out.jsonl}
            """);

        foreach (var command in (string[])["run", "validate", "graph"])
        {
            var result = await Cli.RunAsync(command, pipeline);

            Assert.Equal(2, result.ExitCode);
            Assert.Contains(
                $"error: {pipeline}:2:19: unknown key 'sources.a.pth'; did you mean 'path'?", result.Error, StringComparison.Ordinal);
            Assert.Contains(
                $"error: {pipeline}:3:10: unknown key 'events.treshold'; did you mean 'threshold'?", result.Error,
                StringComparison.Ordinal);
        }

        Assert.False(File.Exists(Path.Combine(_folder, "out.jsonl")));
    }

    [Fact]
    public async Task Run_Stdin_ReadsRawPcmToItsEnd()
    {
        var pipeline = Pipeline("""
            sources: {mic: {type: stdin, encoding: s16le, sample_rate: 44100, channels: 2}}
            events: {threshold: 0, labels: esc50}
            sinks: {console: {type: console, format: json}}
            """);

        var result = await Cli.RunAsync(new byte[44100 * 4 * 3], ["run", pipeline, "--set", "events.labels=[Rain]"]);

        Assert.Equal(0, result.ExitCode);
        var e = JsonSerializer.Deserialize<JsonElement>(result.Output.Trim());
        Assert.Equal(
            ("mic", "Rain", 0.0, 3.0),
            (e.GetProperty("stream").GetString(), e.GetProperty("event_label").GetString(), e.GetProperty("event_onset").GetDouble(),
            e.GetProperty("event_offset").GetDouble()));
        Assert.True(e.TryGetProperty("onset_time", out _));
        Assert.Contains("sound             3.0 s", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_StdinEndsWithinASample_SaysSo()
    {
        var pipeline = Pipeline("sources: {mic: {type: stdin}}\nsinks: {console: {type: console}}");

        var cut = await Cli.RunAsync(new byte[16001], ["run", pipeline]);
        var empty = await Cli.RunAsync([], ["run", pipeline]);

        Assert.Equal((3, 3), (cut.ExitCode, empty.ExitCode));
        Assert.Contains(
            "error: mic: standard input: ended in the middle of a sample or a record (1 bytes, in frames of 2)", cut.Error,
            StringComparison.Ordinal);
        Assert.Contains("error: mic: standard input: no sound came", empty.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public async Task Run_InterruptedOnce_DrainsAndEndsWell(int signal)
    {
        using var process = await RunningAsync("sinks: {out: {type: jsonl, path: out.jsonl}}");
        Cli.Signal(process, signal);

        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("draining", result.Error, StringComparison.Ordinal);
        var e = JsonSerializer.Deserialize<JsonElement>(Assert.Single(await File.ReadAllLinesAsync(Path.Combine(_folder, "out.jsonl"))));
        Assert.InRange(e.GetProperty("event_offset").GetDouble(), 1, 10);
    }

    [Fact]
    public async Task Run_InterruptedTwice_StopsEvenIfNobodyReadsItsOutput()
    {
        // Thousands of lines into a pipe that nobody empties: the sink is stuck in a write.
        using var process = StartTalkative(seconds: 3000, "wait");
        await process.StandardOutput.BaseStream.ReadExactlyAsync(new byte[1]);
        await Cli.StuckAsync(process);
        Cli.Signal(process, 2);
        await process.StandardError.ReadLineAsync();
        await Task.Delay(1000); // a second one that comes at once is the same request
        Cli.Signal(process, 2);

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(timeout.Token);

        Assert.Equal(130, process.ExitCode);
        Assert.Contains("stopped without draining", await process.StandardError.ReadToEndAsync(timeout.Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SinkFails_NamesItAndStops()
    {
        Tones.Write(_folder, "a.wav", 5);
        var pipeline = Pipeline("""
            sources: {a: {type: file, path: a.wav}}
            events: {threshold: 0, labels: esc50}
            sinks: {out: {type: jsonl, path: /dev/full, retry_for: 0s, on_failure: stop}}
            """);

        var result = await Cli.RunAsync("run", pipeline);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error: out: /dev/full: writing failed: No space left on device", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OneSinkOfTwoFails_TheOtherHasEverythingAndTheExitCodeTells()
    {
        Tones.Write(_folder, "a.wav", 5);
        var pipeline = Pipeline("""
            sources: {a: {type: file, path: a.wav}}
            events: {threshold: 0, labels: esc50}
            sinks: {full: {type: jsonl, path: /dev/full, retry_for: 0s}, out: {type: jsonl, path: out.jsonl}}
            """);

        var result = await Cli.RunAsync("run", pipeline);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("error: full: /dev/full: writing failed: No space left on device; this sink is out, the others go on", result.Error,
            StringComparison.Ordinal);
        Assert.Equal(50, (await File.ReadAllLinesAsync(Path.Combine(_folder, "out.jsonl"))).Length);
    }

    [Fact]
    public async Task Run_StandardOutputCloses_StopsWithAnError()
    {
        using var process = StartTalkative(seconds: 600);
        process.StandardInput.Close();
        await process.StandardOutput.ReadLineAsync();
        process.StandardOutput.Close();

        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(1, process.ExitCode);
        Assert.Contains(
            "error: console: standard output: writing failed, perhaps nobody reads it any more", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_JsonLines_AppendsMendsACutLineAndRotates()
    {
        Tones.Write(_folder, "a.wav", 5);
        var output = Path.Combine(_folder, "out.jsonl");
        await File.WriteAllTextAsync(output, "{\"id\":\"cut sho");
        var pipeline = Pipeline("""
            sources: {a: {type: file, path: a.wav}}
            events: {threshold: 0, labels: esc50}
            sinks: {out: {type: jsonl, path: out.jsonl, rotate_size: 9KB, keep: 5, flush: disk}}
            """);

        Assert.Equal(0, (await Cli.RunAsync("run", pipeline)).ExitCode);

        var files = Directory.GetFiles(_folder, "out.jsonl*").Order(StringComparer.Ordinal).ToList();
        Assert.Equal([output, output + ".1", output + ".2"], files);
        Assert.All(files, f => Assert.InRange(new FileInfo(f).Length, 1, 9000));
        var lines = files.SelectMany(File.ReadAllLines).Where(l => !l.EndsWith("cut sho", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            50, lines.Select(l => JsonSerializer.Deserialize<JsonElement>(l).GetProperty("event_label").GetString()).Distinct().Count());
    }

    /// <summary>A run on standard input that has read at least a second of sound, and goes on waiting for more.</summary>
    private async Task<System.Diagnostics.Process> RunningAsync(string sinks)
    {
        var process = Cli.Start("run", Pipeline("sources: {mic: {type: stdin}}\nevents: {threshold: 0, labels: [Rain]}\n" + sinks));

        // A pipe holds 64 KiB: when 128 KiB are written, two seconds have been read.
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.StandardInput.BaseStream.WriteAsync(new byte[128 << 10], timeout.Token);
        await process.StandardInput.BaseStream.FlushAsync(timeout.Token);
        return process;
    }

    /// <summary>A run that writes fifty lines for every second of sound to its console.</summary>
    private System.Diagnostics.Process StartTalkative(int seconds, string whenFull = "drop_newest")
    {
        Tones.Write(_folder, "long.wav", seconds);
        var pipeline = Pipeline("""
            sources: {a: {type: file, path: long.wav}}
            model: {hop: 1s}
            events: {threshold: 0, labels: esc50, max_duration: 1s}
            sinks: {console: {type: console, format: lines, when_full: WHEN}}
            """.Replace("WHEN", whenFull, StringComparison.Ordinal));
        return Cli.Start("run", pipeline, "--no-summary");
    }

    private string Pipeline(string yaml)
    {
        var path = Path.Combine(_folder, "pipeline.yaml");
        File.WriteAllText(path, yaml);
        return path;
    }
}
