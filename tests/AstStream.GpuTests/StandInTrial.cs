using System.Globalization;
using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;

namespace AstStream.GpuTests;

/// <summary>Reference checkpoints over the stand-ins, with a cache of their own.</summary>
public abstract class StandInTrial : IDisposable
{
    private protected const string Small = "ast-small-16x16-t256";
    private protected readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    private protected StandInTrial()
    {
        if (StandIn.WhyMissing is not null)
            return;
        StandIn.Loaded.Fail("", 0, 0);
        StandIn.Loaded.DelayCaptures(TimeSpan.Zero);
        StandIn.Loaded.LimitMemory(0);
        StandIn.Loaded.Take();
    }

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static StandIn Cuda => StandIn.Loaded;

    private protected AstSessionOptions OnCuda => new()
    {
        Providers = [ExecutionProvider.Cuda],
        Parity = ParityMode.Off,
        CacheFolder = Path.Combine(_folder, "cache"),
        BatchSizes = [1, 2],
    };

    private protected static AstCheckpoint Open(string name) =>
        AstCheckpoint.Open(Path.Combine(AppContext.BaseDirectory, "reference", name));

    /// <summary>
    /// The small checkpoint with a reference of equal logits beside it. The stand-ins compute nothing: their logits are 0, off by so much.
    /// </summary>
    private protected AstCheckpoint OffBy(float logit)
    {
        var folder = Path.Combine(_folder, "model");
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "reference", Small)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        var checkpoint = AstCheckpoint.Open(folder);
        var config = checkpoint.Config;
        File.WriteAllText(
            Path.Combine(folder, "parity.json"), string.Create(CultureInfo.InvariantCulture, $$"""
                {
                  "sound": "chirp-over-noise-1", "checkpoint_sha256": "{{checkpoint.Hash}}", "max_length": {{config.MaxLength}},
                  "frequency_stride": {{config.FrequencyStride}}, "time_stride": {{config.TimeStride}},
                  "logits": {{JsonSerializer.Serialize(Enumerable.Repeat(logit, config.Labels.Count))}}
                }
                """));
        return checkpoint;
    }
}
