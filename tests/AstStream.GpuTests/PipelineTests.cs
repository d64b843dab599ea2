using System.Text.Json;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using AstStream.Worker;

namespace AstStream.GpuTests;

/// <summary>Whole pipelines from a WAV file over sessions on the stand-ins.</summary>
public sealed class PipelineTests : StandInTrial
{
    private const int CallsOfStart = 2 * 2 * 5; // slots, sizes, runs of each

    [StandInFact]
    public async Task Run_ReplayFails_SessionIsOpenedAgainAndEveryWindowHasItsScores()
    {
        var whole = await RunAsync("");
        Assert.Equal(2 * 2, Cuda.Take().Count(c => c is { Verb: "CAPTURE", Rest: "begin" }));

        Cuda.Fail("cudaGraphLaunch", after: CallsOfStart + 5, times: 1);
        var failed = await RunAsync("");

        var calls = Cuda.Take();
        Assert.Single(calls, c => c.Verb == "FAILS");
        Assert.Equal(2 * 2 * 2, calls.Count(c => c is { Verb: "CAPTURE", Rest: "begin" }));
        Assert.DoesNotContain(calls, c => c.Verb == "FORBIDDEN");
        Assert.Equal(whole, failed);
        Assert.All(failed, f => Assert.EndsWith("float16 cuda", f, StringComparison.Ordinal));
    }

    [StandInFact]
    public async Task Run_DeviceIsLostAndMayFallBack_GoesOnOnTheCpu()
    {
        Cuda.Fail("cudaGraphLaunch", after: CallsOfStart + 5, times: int.MaxValue);

        var frames = await RunAsync("fallback: true");

        var onGpu = frames.Count(f => f.EndsWith("float16 cuda", StringComparison.Ordinal));
        Assert.InRange(onGpu, 1, frames.Count - 1);
        Assert.Equal(frames.Count - onGpu, frames.Count(f => f.EndsWith("float32 cpu", StringComparison.Ordinal)));
        Assert.Equal(Enumerable.Range(0, frames.Count), frames.Select(f => int.Parse(f.Split(' ')[0], null)));
    }

    /// <summary>The windows of a run, each with its number and what scored it.</summary>
    private async Task<List<string>> RunAsync(string model)
    {
        var output = Path.Combine(_folder, "out.jsonl");
        File.Delete(output);
        var path = Path.Combine(_folder, "pipeline.yaml");
        await File.WriteAllTextAsync(path, $$"""
            sources: {a: {type: file, path: "{{Path.Combine(AppContext.BaseDirectory, "reference", "bursts-12s.wav")}}"} }
            model: {hop: 100ms, providers: [cuda], parity: off, preferred_batch_size: 2, {{model}} }
            sinks: {out: {type: jsonl, path: out.jsonl, records: scores} }
            """);
        using var pipeline = Pipeline.Load(
            path, [], new PipelineHost
            {
                Catalog = WorkerCatalog.All,
                DefaultModel = Path.Combine(AppContext.BaseDirectory, "reference", Small)
            });
        using var report = new RunReport();
        await pipeline.Build(report, CancellationToken.None).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1));
        var lines = await File.ReadAllLinesAsync(output);
        return [.. lines.Select(l => JsonSerializer.Deserialize<JsonElement>(l)).Select((f, i) => string.Join(' ',
            [$"{i}", .. ((string[])["start_sample", "precision", "provider"]).Select(key => f.GetProperty(key).ToString())]))];
    }
}
