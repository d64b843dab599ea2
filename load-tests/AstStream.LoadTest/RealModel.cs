using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Scheduling;

namespace AstStream.LoadTest;

/// <summary>A checkpoint whose real sessions are loaded, as a pipeline opens them but for the parity check.</summary>
internal sealed class RealModel : IDisposable
{
    private readonly AstCheckpoint _checkpoint;
    private readonly AstSessionOptions _options;

    private RealModel(string folder, string providers)
    {
        _checkpoint = AstCheckpoint.Open(folder);
        _options = new AstSessionOptions
        {
            Providers = [.. providers.Split(',').Select(EnumWords.Parse<ExecutionProvider>)],
            Parity = ParityMode.Off
        };
    }

    public string Name => _checkpoint.Name;

    public int Frames => _checkpoint.Config.MaxLength;

    public int Labels => _checkpoint.Config.Labels.Count;

    /// <summary>Opens a checkpoint; null where there is none to open.</summary>
    public static RealModel? TryOpen(string? folder, string providers) => folder is null ? null : new RealModel(folder, providers);

    /// <summary>Opens a session.</summary>
    public IModelSession Open() => Scorer.Open(
        new ScorerOptions([_checkpoint], [_checkpoint.Config], [_checkpoint.Config.DefaultActivation], _checkpoint.Hash), _options);

    public void Dispose() => _checkpoint.Dispose();
}
