using AstStream.Streaming.Pipelines;

namespace AstStream.Station.Web;

/// <summary>What the page may change of the pipeline while it runs.</summary>
public interface IPipelineControl
{
    /// <summary>Tells the file as it is now from what it was before: a change names the one that it was made for.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    string Version { get; }

    /// <summary>The scores that open events now, by model and label.</summary>
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds { get; }

    /// <summary>The models that run now.</summary>
    IReadOnlyList<PipelineModel> Models { get; }

    /// <summary>Exchanges a model and the one in its shadow in the file, and takes it over.</summary>
    /// <param name="model">The model.</param>
    /// <param name="version">The version that is changed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Null, or why the file is as it was before.</returns>
    /// <exception cref="IOException">It can't be read or written.</exception>
    Task<string?> PromoteAsync(string model, string version, CancellationToken cancellation);

    /// <summary>Writes a threshold into the file, and takes it over.</summary>
    /// <param name="model">The model.</param>
    /// <param name="label">The label.</param>
    /// <param name="threshold">The score from 0 to 1.</param>
    /// <param name="version">The version that is changed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Null, or why the file is as it was before.</returns>
    /// <exception cref="IOException">It can't be read or written.</exception>
    Task<string?> SetThresholdAsync(string model, string label, double threshold, string version, CancellationToken cancellation);
}
