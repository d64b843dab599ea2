using System.Text.Json;

namespace AstStream.IntegrationTests.Learning;

/// <summary>evaluate, as a person calls it.</summary>
public sealed class EvaluateCliTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-evaluate-").FullName;

    private static string Default => Path.Combine(AppContext.BaseDirectory, "pipelines", "models", "ast-audioset-tiny");

    private string Pipeline => Path.Combine(_folder, "p.yaml");

    private string Labels => Path.Combine(_folder, "labels");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The truth is what the pipeline itself reports, so all of it must be hit, and what is left out is said.</summary>
    [Fact]
    public async Task Events_TruthOfTheRunItself_IsHitWhollyAndPublishesNothing()
    {
        await WriteAsync();
        var run = await Cli.RunAsync("run", Pipeline, "--no-summary");
        Assert.Equal(0, run.ExitCode);
        var events = (await File.ReadAllLinesAsync(Path.Combine(_folder, "events.jsonl")))
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToList();
        Assert.NotEmpty(events);
        File.Delete(Path.Combine(_folder, "events.jsonl"));
        await File.WriteAllLinesAsync(
            Path.Combine(Labels, "bursts-12s.txt"),
            events.Select(e => $"{e.GetProperty("event_onset")}\t{e.GetProperty("event_offset")}\t{e.GetProperty("event_label")}"));
        await File.WriteAllTextAsync(Path.Combine(Labels, "elsewhere.txt"), "1\t2\tdog\n");

        var result = await Cli.RunAsync("evaluate", "events", Pipeline, "--truth", Labels, "--collar", "0.1,0.5", "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("elsewhere: the pipeline has no such recording", result.Error, StringComparison.Ordinal);
        var json = JsonSerializer.Deserialize<JsonElement>(result.Output);
        foreach (var collar in json.GetProperty("events").EnumerateArray())
        {
            Assert.Equal(1, collar.GetProperty("overall").GetProperty("f1").GetDouble());
            Assert.Equal(events.Count, collar.GetProperty("overall").GetProperty("n_ref").GetInt32());
        }

        Assert.Equal(1, json.GetProperty("heard").GetDouble());
        Assert.Equal(0, json.GetProperty("false_events_per_hour").GetDouble());
        Assert.False(File.Exists(Path.Combine(_folder, "events.jsonl")));

        // One threshold for all: low ones hear everything, and false things besides; the highest hear nothing.
        var points = json.GetProperty("thresholds").EnumerateArray().ToList();
        Assert.Equal(50, points.Count);
        Assert.Equal(1, points[0].GetProperty("heard").GetDouble());
        Assert.True(points[0].GetProperty("false_events_per_hour").GetDouble() > 0);
        Assert.Equal(0, points[^1].GetProperty("heard").GetDouble());
        Assert.InRange(json.GetProperty("psds1").GetDouble(), 0, 1);

        var page = Path.Combine(_folder, "report.html");
        var table = await Cli.RunAsync("evaluate", "events", Pipeline, "--truth", Labels, "--html", page);
        var html = await File.ReadAllTextAsync(page);
        Assert.Contains("<svg", html, StringComparison.Ordinal);
        Assert.Contains("bursts-12s", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", html, StringComparison.Ordinal);
        Assert.Contains("| highest F1: ", table.Output, StringComparison.Ordinal);
        Assert.Contains("| 0.25 s | 1.000 | 1.000 | 1.000 | 0.00 |", table.Output, StringComparison.Ordinal);
        Assert.True(json.GetProperty("opened_after").GetProperty("median").GetDouble() > 0);
        Assert.True(json.GetProperty("windows_per_second").GetDouble() > 0);
        Assert.Contains("onset error       +0.00 s", table.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1\tx\tdog\n", 2, "bursts-12s.txt: found '1 | x | dog' in its first line; expected onset, offset and label")]
    [InlineData(null, 2, "holds no table; expected .txt, .tsv, .csv")]
    public async Task Events_BadTruth_SaysWhatWasExpected(string? table, int code, string message)
    {
        await WriteAsync();
        if (table is not null)
            await File.WriteAllTextAsync(Path.Combine(Labels, "bursts-12s.txt"), table);
        var result = await Cli.RunAsync("evaluate", "events", Pipeline, "--truth", Labels);
        Assert.Equal(code, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clips_FolderALabel_AreNamedAndBadOnesAreSaid()
    {
        foreach (var label in (string[])["Siren", "zebra", "dog"])
            Tones.Write(Directory.CreateDirectory(Path.Combine(_folder, "data", label)).FullName, "tone.wav", 2);
        await File.WriteAllTextAsync(Path.Combine(_folder, "data", "Siren", "text.wav"), "no sound");

        var result = await Cli.RunAsync("evaluate", "clips", "--data", Path.Combine(_folder, "data"), "--json");

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(
            "2 clips have no label of ast-audioset-tiny and are left out: dog, zebra; --view esc50 has them", result.Error,
            StringComparison.Ordinal);
        Assert.Contains("text.wav: not a WAV file", result.Error, StringComparison.Ordinal);
        var json = JsonSerializer.Deserialize<JsonElement>(result.Output);
        Assert.Equal(1, json.GetProperty("clips").GetInt32());
        Assert.Equal("Siren", Assert.Single(json.GetProperty("classes").EnumerateArray()).GetProperty("label").GetString());

        var path = Path.Combine(_folder, "thresholds.json");
        var chosen = await Cli.RunAsync(
            "evaluate", "clips", "--data", Path.Combine(_folder, "data"), "--thresholds", "f1", "--to", path);
        Assert.Contains("| Siren | ", chosen.Output, StringComparison.Ordinal);
        var thresholds = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(path)).GetProperty("thresholds");
        Assert.InRange(thresholds.GetProperty("Siren").GetDouble(), 0, 1);

        // An ensemble of a model and itself is the model.
        string[] both = [Default, Default];
        var together = await Cli.RunAsync(
            ["evaluate", "clips", .. both, "--ensemble", "--data", Path.Combine(_folder, "data"), "--thresholds", "f1", "--to", path]);
        Assert.Equal(chosen.Output[chosen.Output.IndexOf("clips of", StringComparison.Ordinal)..],
            together.Output[together.Output.IndexOf("clips of", StringComparison.Ordinal)..]);

        var several = await Cli.RunAsync("evaluate", "clips", "a", "b", "--data", Path.Combine(_folder, "data"));
        Assert.Equal(2, several.ExitCode);
        Assert.Contains("2 models, and 1 folds", several.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scenes_FolderALabel_AreMadeAndCanBeMeasured()
    {
        var sounds = Directory.CreateDirectory(Path.Combine(_folder, "data", "Siren")).FullName;
        Tones.Write(sounds, "tone.wav", 2);
        var scenes = Path.Combine(_folder, "scenes");

        var made = await Cli.RunAsync(
            "evaluate", "scenes", "--sounds", Path.Combine(_folder, "data"), "--to", scenes, "--count", "2", "--length", "12",
            "--events", "2");

        Assert.Equal(0, made.ExitCode);
        Assert.Contains("2 scenes with 4 events", made.Error, StringComparison.Ordinal);
        var first = await File.ReadAllBytesAsync(Path.Combine(scenes, "scene-0001.wav"));
        Assert.Equal(44 + (12 * 16_000 * 2), first.Length);
        var measured = await Cli.RunAsync("evaluate", "events", Path.Combine(scenes, "pipeline.yaml"), "--truth", scenes, "--json");
        Assert.Equal(0, measured.ExitCode);
        var json = JsonSerializer.Deserialize<JsonElement>(measured.Output);
        Assert.Equal(4, json.GetProperty("events")[0].GetProperty("overall").GetProperty("n_ref").GetInt32());
        Assert.Equal(24 / 3600.0, json.GetProperty("hours").GetDouble(), 1e-6);

        var wrong = await Cli.RunAsync(
            "evaluate", "scenes", "--sounds", Path.Combine(_folder, "data"), "--to", scenes,
            "--backgrounds", Path.Combine(_folder, "none"));
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("holds no recording", wrong.Error, StringComparison.Ordinal);
    }

    private async Task WriteAsync()
    {
        Directory.CreateDirectory(Labels);
        var clips = Directory.CreateDirectory(Path.Combine(_folder, "clips")).FullName;
        File.Copy(Path.Combine(AppContext.BaseDirectory, "reference/audio/bursts-12s.wav"), Path.Combine(clips, "bursts-12s.wav"));
        await File.WriteAllTextAsync(Pipeline, """
            sources: {a: {type: file, path: clips}}
            events: {threshold: 0.1, related: keep}
            sinks: {out: {type: jsonl, path: events.jsonl}}
            """);
    }
}
