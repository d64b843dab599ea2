using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace AstStream.IntegrationTests.Files;

/// <summary>A run that watches a folder, as a person configures it.</summary>
public sealed class WatchRunTests : IDisposable
{
    private static readonly DateTime s_first = new(2026, 5, 1, 6, 0, 0);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private string Sounds => Path.Combine(_folder, "sounds");

    private string Ledger => Path.Combine(_folder, "done.jsonl");

    private string Log => Path.Combine(_folder, "events.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_AWatchedFolderKilledTwice_EachFileIsDoneOnceAndItsTimesAreRight()
    {
        const int files = 60;
        Directory.CreateDirectory(Sounds);
        for (var i = 0; i < files; i++)
            Write(i);
        var path = Write("settle: 1s");

        foreach (var least in (int[])[5, 20])
        {
            using var killed = Start(path);
            await UntilAsync(() => Done().Count >= least, $"{least} files");
            killed.Kill();
            await killed.WaitForExitAsync();
        }

        var before = Done().Count;
        using (var last = Start(path))
        {
            await UntilAsync(() => Done().Count == files, "all files");
            Cli.Signal(last, 15);
            await last.WaitForExitAsync();
        }

        Assert.InRange(before, 20, files - 1);
        Assert.Equal(files, Done().Distinct().Count());
        var events = File.ReadLines(Log).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        var ids = events.Select(e => e.GetProperty("id").GetString()).ToList();
        Assert.True(ids.Distinct().Count() >= files, $"{ids.Distinct().Count()} events of {files} files");
        var streams = events.Select(e => e.GetProperty("stream").GetString()!).Distinct().ToList();
        Assert.Equal(files, streams.Count);
        foreach (var e in events)
        {
            var name = Path.GetFileNameWithoutExtension(e.GetProperty("stream").GetString()!);
            var start = DateTime.ParseExact(name, "yyyyMMdd_HHmmss", CultureInfo.InvariantCulture);
            var onset = start.AddSeconds(e.GetProperty("event_onset").GetDouble());
            Assert.Equal(onset, e.GetProperty("onset_time").GetDateTime(), TimeSpan.FromMilliseconds(1));
        }

        // Only what was under way when it was killed may be there twice, with the same ids.
        var twice = events.GroupBy(e => e.GetProperty("id").GetString()).Where(g => g.Count() > 1)
            .Select(g => g.First().GetProperty("stream").GetString()).Distinct().Count();
        Assert.InRange(twice, 0, 12);
    }

    [Fact]
    public async Task Run_FilesThatComeLaterAndOneThatGrows_AreReadWhenTheyAreWhole()
    {
        Directory.CreateDirectory(Sounds);
        Write(0);
        await File.WriteAllTextAsync(Path.Combine(Sounds, "broken.wav"), "no sound at all");
        using var run = Start(Write("settle: 2s"));
        await UntilAsync(() => Done().Count == 2, "the first files");
        var whole = Write(1, Path.Combine(_folder, "elsewhere.wav"));

        var growing = Path.Combine(Sounds, "20260501_070000.wav");
        var bytes = await File.ReadAllBytesAsync(whole);
        await using (var file = File.Create(growing))
        {
            for (var at = 0; at < bytes.Length; at += bytes.Length / 6)
            {
                await file.WriteAsync(bytes.AsMemory(at, Math.Min(bytes.Length / 6, bytes.Length - at)));
                await file.FlushAsync();
                await Task.Delay(700);
                Assert.Equal(2, Done().Count);
            }
        }

        File.Move(whole, Path.Combine(Sounds, "20260501_080000.wav"));
        await UntilAsync(() => Done().Count == 4, "what came later");
        Cli.Signal(run, 15);
        await run.WaitForExitAsync();

        Assert.Equal(3, run.ExitCode); // one could not be read
        var states = File.ReadLines(Ledger).Select(l => JsonDocument.Parse(l).RootElement)
            .ToDictionary(l => Path.GetFileName(l.GetProperty("file").GetString()!), l => l.GetProperty("state").GetString());
        Assert.Equal(("failed", "done", "done"), (states["broken.wav"], states["20260501_070000.wav"], states["20260501_080000.wav"]));
        Assert.Contains("20260501_070000", await File.ReadAllTextAsync(Log), StringComparison.Ordinal);
    }

    private static async Task UntilAsync(Func<bool> isSo, string what)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(90), $"{what} did not come");
            await Task.Delay(20);
        }
    }

    private static Process Start(string path)
    {
        var process = Cli.Start("run", path);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private List<string> Done() => !File.Exists(Ledger) ? [] : [.. File.ReadLines(Ledger)];

    private string Write(string keys)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $$"""
            sources: {recordings: {type: file, path: sounds, watch: true, ledger: done.jsonl, time_zone: utc, {{keys}}} }
            model: {hop: 2s}
            events: {threshold: 0.05, related: keep}
            sinks: {log: {type: jsonl, path: events.jsonl} }
            """);
        return path;
    }

    /// <summary>Ten seconds with a burst, written an hour ago.</summary>
    private string Write(int number, string? path = null)
    {
        var random = new Random(number);
        path ??= Path.Combine(Sounds, s_first.AddMinutes(number).ToString("yyyyMMdd_HHmmss", CultureInfo.InvariantCulture) + ".wav");
        using (var wav = new Dsp.WavWriter(path, 16_000, 1))
            wav.Write([.. Enumerable.Range(0, 160_000).Select(
                s => (float)((random.NextDouble() - 0.5) * (s / 16_000 is 4 or 5 ? 0.5 : 0.001)))]);
        File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddHours(-1));
        return path;
    }
}
