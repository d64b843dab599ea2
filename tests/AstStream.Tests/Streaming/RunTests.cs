using System.Text.Json;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;
using AstStream.Worker;

namespace AstStream.Tests.Streaming;

/// <summary>Whole pipelines, from WAV files to JSON Lines, on the small reference checkpoint.</summary>
public sealed class RunTests : IDisposable
{
    private static readonly string s_model = Path.Combine(Reference.Folder, "ast-small-16x16-t256");
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private string Output => Path.Combine(_folder, "out.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_BlockBatchAndStreamCounts_GiveTheSameEvents()
    {
        var clips = Directory.CreateDirectory(Path.Combine(_folder, "clips"));
        foreach (var clip in (string[])["bursts-12s", "chirp-10s24", "noise-3s"])
            File.Copy(Reference.Wav(clip), Path.Combine(clips.FullName, clip + ".wav"));
        var expected = (await RunAsync("path: clips", "block: 100ms", "preferred_batch_size: 1")).Events;
        Assert.True(expected.Count > 3, $"only {expected.Count} events: the test would show little");

        foreach (var block in (string[])["1ms", "33ms", "5s"])
            foreach (var batch in (string[])["2", "7", "64"])
                Assert.Equal(expected, (await RunAsync("path: clips", $"block: {block}", $"preferred_batch_size: {batch}")).Events);

        // Alone, or beside others that run at the same time, a stream's events are the same but for its name.
        foreach (var clip in (string[])["bursts-12s", "chirp-10s24"])
        {
            var alone = (await RunAsync($"path: clips/{clip}.wav", "block: 100ms", "preferred_batch_size: 3")).Events;
            Assert.Equal(
                expected.Where(e => e.Stream.EndsWith(clip + ".wav", StringComparison.Ordinal)).Select(e => e with { Stream = "a" }),
                alone);
        }

        var beside = await RunYamlAsync($$"""
            sources:
              a: {type: file, path: clips/bursts-12s.wav}
              b: {type: file, path: clips/chirp-10s24.wav, block: 7ms}
              c: {type: file, path: clips/noise-3s.wav}
            {{Rest("preferred_batch_size: 4")}}
            """);
        Assert.Equal(
            expected.Select(e => e with { Stream = "" }).OrderBy(e => e.ToString(), StringComparer.Ordinal),
            beside.Events.Select(e => e with { Stream = "" }).OrderBy(e => e.ToString(), StringComparer.Ordinal));
    }

    [Fact]
    public async Task Run_FolderWithBadFiles_DoesTheGoodOnesAndNamesTheBadOnes()
    {
        var clips = Directory.CreateDirectory(Path.Combine(_folder, "clips")).FullName;
        File.Copy(Reference.Wav("noise-3s"), Path.Combine(clips, "a.wav"));
        File.WriteAllText(Path.Combine(clips, "b.wav"), "this is no sound");
        File.WriteAllBytes(Path.Combine(clips, "c.wav"), []);
        File.WriteAllBytes(Path.Combine(clips, "d.wav"), File.ReadAllBytes(Reference.Wav("noise-3s"))[..40_000]);
        File.WriteAllBytes(Path.Combine(clips, "e.wav"), WavBytes.Pcm16(16000, 1, []));
        File.Copy(Reference.Wav("chirp-10s24"), Path.Combine(clips, "f.WAV"));

        var (report, events) = await RunAsync("path: clips", "block: 1s", "preferred_batch_size: 8");

        Assert.Equal(
            ["b.wav: not a WAV file: it begins with 'this', expected RIFF, RF64 or BW64; ", "c.wav: the file is empty; expected a WAV file",
                "d.wav: the header promises 96000 bytes of sound, the file ends after 39956. Was it cut off while being written or copied?",
                "e.wav: holds no sound (0 samples)"],
            // After it, what ffmpeg says, or that it is missing.
            report.Errors.Select(e => e.Message[(clips.Length + 1)..])
                .Select(m => m.StartsWith('b') ? m[..(m.IndexOf(';', StringComparison.Ordinal) + 2)] : m));
        Assert.Equal(
            ["a/clips/a.wav", "a/clips/d.wav", "a/clips/f.WAV"], events.Select(e => e.Stream).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(3 + 10.24 + (39956 / 2 / 16000.0), report.AudioSeconds, 1e-3);
    }

    [Theory]
    [InlineData("missing.wav", "missing.wav: no such file")]
    [InlineData("'*.flac'", "no file matches")]
    public async Task Run_NothingToRead_SaysSo(string path, string message)
    {
        var (report, events) = await RunAsync($"path: {path}", "block: 1s", "preferred_batch_size: 8");

        Assert.Empty(events);
        Assert.Contains(message, Assert.Single(report.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Patterns_FindFilesInTheOrderOfTheirNames()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "y"));
        File.CreateSymbolicLink(Path.Combine(_folder, "y", "circle"), ".");
        foreach (var name in (string[])["x/2.wav", "x/1.wav", "y/deep/3.wav", "y/other.txt"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, name))!);
            File.Copy(Reference.Wav("noise-3s"), Path.Combine(_folder, name));
        }

        var (report, events) = await RunAsync("path: ['x/*.wav', 'y/**/*.wav', x/1.wav]", "block: 1s", "preferred_batch_size: 1");

        Assert.Empty(report.Errors);
        Assert.Equal(["a/x/1.wav", "a/x/2.wav", "a/y/deep/3.wav"], events.Select(e => e.Stream).Distinct());
    }

    [Fact]
    public async Task Run_StoppedWhileRealtime_DrainsWhatWasHeard()
    {
        using var stop = new CancellationTokenSource();
        File.WriteAllBytes(Path.Combine(_folder, "long.wav"), WavBytes.Tone(600));
        using var report = new RunReport();
        var run = RunYamlAsync(
            "sources: {a: {type: file, path: long.wav, pace: realtime, block: 50ms}}\n" + Rest("preferred_batch_size: 1"), stop.Token,
            report);
        while (report.AudioSeconds < 0.1 && !run.IsCompleted)
            await Task.Delay(10);
        await stop.CancelAsync();

        var (_, events) = await run.WaitAsync(TimeSpan.FromSeconds(60));

        Assert.InRange(report.AudioSeconds, 0.1, 590);
        Assert.Equal(report.AudioSeconds, events.Max(e => e.Offset), 1e-3);
    }

    [Fact]
    public async Task Run_GainTransform_MakesUpForAQuietSource()
    {
        // Half the amplitude is 6.02 dB less: with the gain that makes up for it, the events are the same.
        var samples = Reference.Samples("chirp-10s24");
        File.WriteAllBytes(Path.Combine(_folder, "half.wav"), WavBytes.Pcm16(16000, 1, [.. samples.Select(s => (short)(s * 8192))]));
        File.WriteAllBytes(
            Path.Combine(_folder, "whole.wav"), WavBytes.Pcm16(16000, 1, [.. samples.Select(s => (short)((short)(s * 8192) * 2))]));
        var whole = (await RunAsync("path: whole.wav", "block: 1s", "preferred_batch_size: 8")).Events;

        var louder = await RunYamlAsync(
            "sources: {b: {type: file, path: half.wav}}\ntransforms: {a: {type: gain, inputs: b, db: 6.020599913279624}}\n" + Rest(
            "preferred_batch_size: 8"));

        Assert.Equal(whole.Select(e => (e.Label, e.Onset, e.Offset)), louder.Events.Select(e => (e.Label, e.Onset, e.Offset)));
    }

    [Fact]
    public async Task Run_SinkThatCannotBeOpened_FailsBeforeTheRunAndNamesIt()
    {
        Directory.CreateDirectory(Output);

        var e = await Assert.ThrowsAsync<SinkException>(
            () => RunAsync($"path: {Reference.Wav("noise-3s")}", "block: 1s", "preferred_batch_size: 1"));

        Assert.Contains("out.jsonl: can't be opened for appending", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_BatchAndBlockSizes_GiveTheSameScoresToTheLastBit()
    {
        var expected = await HeardAsync("block: 100ms", "preferred_batch_size: 1");
        Assert.True(expected.Count > 5, $"only {expected.Count} events: the test would show little");

        Assert.Equal(expected, await HeardAsync("block: 1ms", "preferred_batch_size: 5"));
        Assert.Equal(expected, await HeardAsync("block: 10s", "preferred_batch_size: 64, max_queue_delay: 20ms, threads: 1"));
    }

    [Fact]
    public async Task Run_SeveralSessions_GiveTheSameScoresToTheLastBit() => Assert.Equal(
        await HeardAsync("block: 100ms", "preferred_batch_size: 1"),
        await HeardAsync(
            "block: 100ms", "threads: 1, sessions: [{preferred_batch_size: 2}, {preferred_batch_size: 3}, {attention: sdpa}]"));

    [Fact]
    public async Task Run_TwoModelsOnTheSameFeatures_EachGivesWhatItGivesAlone()
    {
        var source = $"sources: {{a: {{type: file, path: {Reference.Wav("bursts-12s")}}}}}\n";
        const string events = "events: {threshold: 0.1, median_windows: 3}";
        const string output = "sinks: {out: {type: jsonl, path: out.jsonl}}";
        var one = (await RunYamlAsync($"{source}model: {{hop: 300ms}}\n{events}\n{output}")).Events;
        var other = (await RunYamlAsync($"{source}model: {{hop: 800ms, window: 1.28s}}\n{events}\n{output}")).Events;
        var models = $"{source}models: {{one: {{hop: 300ms, {events}}}, other: {{hop: 800ms, window: 1.28s, {events}}}}}\n";

        var both = await RunYamlAsync(models + output);
        var filtered = await RunYamlAsync(models + output.Replace("path", "models: other, path", StringComparison.Ordinal));

        Assert.True(one.Count > 3 && other.Count > 3);
        Assert.Equal(
            one.Concat(other).Select(e => e.ToString()).Order(StringComparer.Ordinal),
            both.Events.Select(e => e.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(other, filtered.Events);
        Assert.Equal(["one", "other"], both.Report.CoverageByModel.Keys.Order(StringComparer.Ordinal));
        Assert.All(both.Report.CoverageByModel.Values, c => Assert.Equal((12 * 16_000, 12 * 16_000), (c.Analysed, c.Total)));
    }

    private static string Rest(string model) =>
        $"model: {{hop: 300ms, {model}}}\nevents: {{threshold: 0.1, median_windows: 3, max_duration: 1s}}\nsinks: {{out: {{type: jsonl, "
            + $"path: out.jsonl}}}}";

    private Task<(RunReport Report, List<Row> Events)> RunAsync(string path, string block, string model) =>
        RunYamlAsync($"sources: {{a: {{type: file, {path}, {block}}}}}\n{Rest(model)}");

    private async Task<(RunReport Report, List<Row> Events)> RunYamlAsync(
        string yaml, CancellationToken stop = default, RunReport? report = null)
    {
        if (File.Exists(Output))
            File.Delete(Output);
        var path = Path.Combine(_folder, "pipeline.yaml");
        await File.WriteAllTextAsync(path, yaml, CancellationToken.None);
        using var pipeline = Pipeline.Load(path, [], new PipelineHost { Catalog = WorkerCatalog.All, DefaultModel = s_model });
        report ??= new RunReport(); // its metrics are nobody's
        await pipeline.Build(report, stop).RunAsync(CancellationToken.None);

        // Streams end in any order; what counts is the order within each.
        return (report,
            [.. (await File.ReadAllLinesAsync(Output, CancellationToken.None))
            .Select(l => JsonSerializer.Deserialize<JsonElement>(l)).Select(e => new Row(
            e.GetProperty("stream").GetString()!, e.GetProperty("event_label").GetString()!, e.GetProperty("event_onset").GetDouble(),
                e.GetProperty("event_offset").GetDouble(), e.GetProperty("score").GetDouble()))
                .OrderBy(e => e.Stream, StringComparer.Ordinal)]);
    }

    /// <summary>The events as they reach a sink: nothing is rounded.</summary>
    private async Task<List<string>> HeardAsync(string block, string model)
    {
        var sink = new MemorySink();
        var catalog = new ComponentCatalog
        {
            Sources = WorkerCatalog.All.Sources,
            Sinks = [new SinkType("memory", "Keeps events.", [], (_, _) => new MadeSink(() => sink))]
        };
        var path = Path.Combine(_folder, "memory.yaml");
        await File.WriteAllLinesAsync(path, [
            $"sources: {{a: {{type: file, path: {Reference.Wav("bursts-12s")}, {block}}}}}",
            $"model: {{hop: 100ms, {model}}}",
            "events: {threshold: 0.15, release_threshold: 0.1, median_windows: 3}",
            "sinks: {m: {type: memory}}"]);
        using var pipeline = Pipeline.Load(path, [], new PipelineHost { Catalog = catalog, DefaultModel = s_model });
        using var report = new RunReport();
        await pipeline.Build(report, CancellationToken.None).RunAsync(CancellationToken.None);
        return [.. sink.Records.Select(r => r.ToString()!)];
    }

    private sealed record Row(string Stream, string Label, double Onset, double Offset, double Score);
}
