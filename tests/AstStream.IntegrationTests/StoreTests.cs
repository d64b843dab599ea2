using System.Text.Json;

namespace AstStream.IntegrationTests;

/// <summary>A store, as a person makes and reads one.</summary>
public sealed class StoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_KilledAndRepeated_GivesTheEventsOfAnUndisturbedRun()
    {
        var undisturbed = await Cli.RunAsync("run", Pipeline("whole.db"));
        Assert.True(undisturbed.ExitCode == 0, undisturbed.Error);
        for (var i = 0; i < 3; i++)
        {
            using var process = Cli.Start("run", Pipeline("killed.db"));
            var store = Path.Combine(_folder, "killed.db");
            while (!File.Exists(store) && !process.HasExited)
                await Task.Delay(10);
            await Task.Delay(100 * i);
            process.Kill();
            await process.WaitForExitAsync();
            var check = await Cli.RunAsync("store", "check", store);
            Assert.True(check.ExitCode == 0 || check.Error.Contains("holds nothing yet", StringComparison.Ordinal), check.Error);
        }

        Assert.Equal(0, (await Cli.RunAsync("run", Pipeline("killed.db"))).ExitCode);

        var (whole, killed) = (await CsvAsync("whole.db"), await CsvAsync("killed.db"));
        Assert.True(whole.Count > 5);
        Assert.Equal(whole, killed);
    }

    [Fact]
    public async Task Events_FormsAndMistakes_AreWhatTheySay()
    {
        var pipeline = Pipeline("events.db");
        Assert.Equal(0, (await Cli.RunAsync("run", pipeline)).ExitCode);
        var store = Path.Combine(_folder, "events.db");
        async Task<Cli.Result> Events(params string[] more) => await Cli.RunAsync(["events", store, .. more]);

        var table = await Events("--limit", "3");
        Assert.Equal(0, table.ExitCode);
        Assert.Contains("the latest 3; --limit N shows more", table.Error, StringComparison.Ordinal);
        var records = (await Events("--json")).Output.Trim().Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.StartsWith("Selection\tView", (await Events("--raven")).Output, StringComparison.Ordinal);
        var (stream, label) = (records[0].GetProperty("stream").GetString()!, records[0].GetProperty("event_label").GetString()!);
        var track = await Events("--audacity", "--stream", stream);
        Assert.All(track.Output.Trim().Split('\n'), l => Assert.Equal(3, l.Split('\t').Length));
        Assert.Contains("seconds", (await Events("--days")).Output, StringComparison.Ordinal);

        (string[] Arguments, string Message)[] mistakes =
        [
            (["events", store, "--csv", "--json"], "expected one of --csv"),
            (["events", store, "--since", "yesterday"], "--since yesterday: expected 90m, 1d, or a date and time"),
            (["events", Path.Combine(_folder, "none.db")], "there is no such store; a sink of 'type: store' makes one"),
            (["store", "check", pipeline], "is no store; expected one that a sink of 'type: store' made"),
            (["store", "backup", store, store], "is there already; expected another name"),
        ];
        foreach (var (arguments, message) in mistakes)
        {
            var result = await Cli.RunAsync(arguments);
            Assert.True(result.ExitCode == 2, result.Error);
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
        }

        Assert.Contains("did you mean", (await Events("--label", label + "x")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Review_Events_AreATruthToEvaluateBy()
    {
        var pipeline = Pipeline("events.db");
        Assert.Equal(0, (await Cli.RunAsync("run", pipeline)).ExitCode);
        var store = Path.Combine(_folder, "events.db");
        var events = (await CsvAsync("events.db"))[..^1]; // the line of names is last
        foreach (var (i, line) in events.Take(3).Index())
        {
            string[] verdict = i == 0 ? ["wrong"] : i == 1 ? ["--label", "Speech"] : ["right"];
            var result = await Cli.RunAsync(["review", line[..9], .. verdict, "--store", store, "--by", "ann"]);
            Assert.True(result.ExitCode == 0, result.Error);
        }

        var truth = await Cli.RunAsync("events", store, "--verdict", "right", "--verdict", "other_label", "--raven");
        var rows = truth.Output.Trim().Split('\n');
        Assert.Equal(3, rows.Length);
        Assert.Single(rows, r => r.Contains("\tSpeech\t", StringComparison.Ordinal));
        var table = Path.Combine(_folder, "truth.txt");
        await File.WriteAllTextAsync(table, truth.Output);
        var evaluated = await Cli.RunAsync("evaluate", "events", pipeline, "--truth", table);
        Assert.True(evaluated.ExitCode == 0, evaluated.Error);
        Assert.Contains("2 events are there", evaluated.Output, StringComparison.Ordinal);

        (string[] Arguments, string Message)[] mistakes =
        [
            (["review", "zz", "right"], "has no event whose id begins with 'zz'"),
            (["review", events[0][..9], "maybe"], "expected right, wrong, withdrawn, or --label LABEL"),
            (["review", events[0][..9]], "expected right, wrong, withdrawn, or --label LABEL"),
            (["review", events[0][..9], "--label", " "], "--label: expected 1 to 200 characters"),
        ];
        foreach (var (arguments, message) in mistakes)
        {
            var result = await Cli.RunAsync([.. arguments, "--store", store]);
            Assert.Equal(2, result.ExitCode);
            Assert.Contains(message, result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>A pipeline with recordings that are full of events.</summary>
    private string Pipeline(string store)
    {
        var path = Path.Combine(_folder, Path.ChangeExtension(store, ".yaml"));
        File.WriteAllText(path, $$"""
            events: {threshold: 0.02, related: keep}
            sources:
              sounds: {type: file, path: {{Path.Combine(AppContext.BaseDirectory, "reference", "audio")}}}
            sinks:
              store: {type: store, path: {{store}}, records: [events, coverage]}
            """);
        return path;
    }

    private async Task<List<string>> CsvAsync(string store)
    {
        var result = await Cli.RunAsync("events", Path.Combine(_folder, store), "--csv");
        Assert.True(result.ExitCode == 0, result.Error);
        return [.. result.Output.Trim().Split('\n').Order(StringComparer.Ordinal)];
    }
}
