using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace AstStream.IntegrationTests;

/// <summary>
/// Standard streams that nobody reads, that are full or closed, and log files that are moved away: none of it may cost a run anything else.
/// </summary>
public sealed class OutputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private string Events => Path.Combine(_folder, "out.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("2>/dev/full")]
    [InlineData("2>&-")]
    [InlineData(">&- 2>&-")]
    [InlineData("2>/dev/full </dev/null >/dev/full")]
    public async Task Run_LogCanNotBeWritten_SinksHaveEverything(string redirection)
    {
        var pipeline = Pipeline("{a: {type: file, path: a.wav}, gone: {type: file, path: missing.wav}}", "");
        Tones.Write(_folder, "a.wav", 5);

        var exit = await ShellAsync($"dotnet exec {Cli.Program} run {pipeline} {redirection}");

        Assert.Equal(3, exit); // of the missing file
        Assert.Equal(50, (await File.ReadAllLinesAsync(Events)).Length);
    }

    [Fact]
    public async Task Run_StandardErrorIsAFullPipe_DrainsOnSigterm()
    {
        // Thousands of warnings into a pipe that nobody reads, from files that are not there.
        var missing = string.Join(", ", Enumerable.Range(0, 3000).Select(i => $"missing-{i}-{new string('x', 60)}.wav"));
        using var process = Cli.Start("run", Pipeline($"{{mic: {{type: stdin}}, gone: {{type: file, path: [{missing}]}}}}", ""));
        await process.StandardInput.BaseStream.WriteAsync(new byte[128 << 10]);
        await process.StandardInput.BaseStream.FlushAsync();
        await Cli.StuckAsync(process);
        Cli.Signal(process, 15);

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await process.WaitForExitAsync(timeout.Token);

        Assert.Equal(3, process.ExitCode);
        Assert.Equal(50, (await File.ReadAllLinesAsync(Events)).Length);
    }

    [Fact]
    public async Task Run_TwoSigtermsAtOnce_DrainsAllTheSame()
    {
        using var process = Cli.Start("run", Pipeline("{mic: {type: stdin}}", ""));
        await process.StandardInput.BaseStream.WriteAsync(new byte[128 << 10]);
        await process.StandardInput.BaseStream.FlushAsync();
        // By a shell: a busy thread pool of this process may give a delay back much later than half a second.
        using var sender = Process.Start("sh", ["-c", $"kill {process.Id}; sleep 0.05; kill {process.Id}"]);

        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(50, (await File.ReadAllLinesAsync(Events)).Length);
    }

    [Fact]
    public async Task Run_HangupWhileItStarts_DoesNotEndIt()
    {
        Tones.Write(_folder, "a.wav", 5);
        using var process = Cli.Start("run", Pipeline("{a: {type: file, path: a.wav, pace: realtime}}", ""));
        await Cli.HandlesAsync(process, 1);
        for (var i = 0; i < 40 && !process.HasExited; i++)
        {
            Cli.Signal(process, 1);
            await Task.Delay(25);
        }

        Assert.Equal(0, (await Cli.FinishAsync(process)).ExitCode);
    }

    [Fact]
    public async Task Run_NobodyReadsTheConsole_FilesHaveEverythingAndLinesAreCounted()
    {
        Tones.Write(_folder, "long.wav", 400);
        var pipeline = Pipeline("{a: {type: file, path: long.wav}}", ", console: {type: console}",
            "model: {hop: 1s}\nevents: {threshold: 0, labels: esc50, max_duration: 1s}");
        using var process = Cli.Start("run", pipeline);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();

        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        await process.WaitForExitAsync(timeout.Token);

        Assert.Equal(0, process.ExitCode);
        Assert.Equal(396 * 50, (await File.ReadAllLinesAsync(Events)).Length); // the first and the last ones are longer
        var dropped = (await error).Split(
            '\n').Single(l => l.StartsWith("dropped", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("console:", dropped[1]);
        Assert.InRange(long.Parse(dropped[2], CultureInfo.InvariantCulture), 5_000, 20_000);
    }

    [Fact]
    public async Task Run_SlowReaderOfTheConsole_MissesNothing()
    {
        Tones.Write(_folder, "long.wav", 100);
        using var process = Cli.Start("run", Pipeline("{a: {type: file, path: long.wav}}", ", console: {type: console}",
            "model: {hop: 1s}\nevents: {threshold: 0, labels: esc50, max_duration: 1s}"), "--no-summary");
        process.StandardInput.Close();
        var lines = 0;
        while (await process.StandardOutput.ReadLineAsync() is not null)
        {
            if (++lines % 500 == 0)
                await Task.Delay(200);
        }

        Assert.Equal((await File.ReadAllLinesAsync(Events)).Length, lines);
        Assert.True(lines > 4000);
    }

    [Fact]
    public async Task Run_LogRotatedByOthers_EventsAreInTheFileOfThatName()
    {
        using var process = Cli.Start(
            "run", Pipeline("{mic: {type: stdin}}", "", "model: {hop: 100ms}\nevents: {threshold: 0, labels: [Rain], max_duration: 1s}"));
        async Task HearAsync(int seconds)
        {
            var before = Lines();
            await process.StandardInput.BaseStream.WriteAsync(new byte[32_000 * seconds]);
            await process.StandardInput.BaseStream.FlushAsync();
            for (var (i, seen) = (0, before); i < 30 && (Lines() == before || Lines() != seen); i++)
            {
                seen = Lines();
                await Task.Delay(1000);
            }
        }

        int Lines() => Directory.GetFiles(_folder, "out.jsonl*").Sum(f => File.ReadAllLines(f).Length);
        await HearAsync(20);
        File.Move(Events, Events + ".1");
        await HearAsync(20);
        Assert.True(File.Exists(Events));
        Cli.Signal(process, 1);
        File.Copy(Events, Events + ".2");
        using (var cut = new FileStream(Events, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            cut.SetLength(0);
        await HearAsync(20);
        File.Move(Events, Path.Combine(_folder, "out.jsonl.3"));
        var result = await Cli.FinishAsync(process);

        Assert.Equal(0, result.ExitCode);
        var onsets = Directory.GetFiles(_folder, "out.jsonl*").SelectMany(File.ReadAllLines).Select(
            l => JsonSerializer.Deserialize<JsonElement>(l).GetProperty("event_onset").GetDouble()).Order().ToList();
        Assert.Equal(onsets.Distinct(), onsets);
        Assert.Equal(56, onsets.Count); // the first and the last one are longer
    }

    [Fact]
    public async Task Run_TwoRunsOnOneFile_TheSecondIsRefused()
    {
        var pipeline = Pipeline("{mic: {type: stdin}}", "");
        using var first = Cli.Start("run", pipeline);
        await first.StandardInput.BaseStream.WriteAsync(new byte[128 << 10]);
        await first.StandardInput.BaseStream.FlushAsync();

        var second = await Cli.RunAsync(new byte[32_000], ["run", pipeline]);

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("out.jsonl: another process writes to it; give each its own file", second.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await Cli.FinishAsync(first)).ExitCode);
    }

    [Fact]
    public async Task Run_LogAsJson_EveryLineIsAnObjectWithATime()
    {
        var result = await Cli.RunAsync(
            "run", Pipeline("{gone: {type: file, path: missing.wav}}", ""), "--log-format", "json", "--no-summary");

        Assert.Equal(3, result.ExitCode);
        var lines = result.Error.Split(
            '\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToList();
        Assert.NotEmpty(lines);
        Assert.All(lines, l => Assert.True(l.GetProperty("time").TryGetDateTime(out _)));
        var error = Assert.Single(lines, l => l.GetProperty("level").GetString() == "error");
        Assert.Equal("gone", error.GetProperty("source").GetString());
        Assert.Contains("missing.wav: no such file", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_LogLevelError_LeavesOutTheRest()
    {
        Tones.Write(_folder, "a.wav", 1);
        var result = await Cli.RunAsync("run", Pipeline(
            "{a: {type: file, path: a.wav}, gone: {type: file, path: missing.wav}}", ""), "--log-level", "error", "--no-summary");

        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error: gone: .*missing\.wav: no such file\n$", result.Error);
    }

    private static async Task<int> ShellAsync(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", command]))!;
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(timeout.Token);
        return process.ExitCode;
    }

    private string Pipeline(string sources, string sinks, string more = "events: {threshold: 0, labels: esc50}")
    {
        var path = Path.Combine(_folder, "pipeline.yaml");
        File.WriteAllText(path, $"sources: {sources}\n{more}\nsinks: {{out: {{type: jsonl, path: out.jsonl}}{sinks}}}\n");
        return path;
    }
}
