namespace AstStream.Events;

/// <summary>One event, as sinks publish it.</summary>
/// <param name="Id">The same for the same sound, model and settings: made from stream, label, onset and model.</param>
/// <param name="State">Opened or closed.</param>
/// <param name="Stream">The stream that it was heard in.</param>
/// <param name="Model">The model that heard it, by its name in the pipeline.</param>
/// <param name="Label">The class name.</param>
/// <param name="Onset">Seconds from the stream's start.</param>
/// <param name="Offset">Seconds from the stream's start; how far it has come while it is open.</param>
/// <param name="Score">The highest smoothed score.</param>
/// <param name="MeanScore">The mean smoothed score.</param>
public sealed record SoundEvent(
    string Id, EventState State, StreamIdentity Stream, string Model, string Label, double Onset, double Offset, float Score,
        float MeanScore)
    : StreamRecord(Stream, Model)
{
    /// <summary>Where in the source's input it was heard; zeros where the source has no places.</summary>
    public InputRange Origin { get; init; }

    /// <summary>Headers of the last record of the input that was heard when it was decided; none where the source has none.</summary>
    public IReadOnlyList<CarriedHeader> Carried { get; init; } = [];

    /// <summary>Seconds of the stream that were heard when it was decided. What the model's own run takes comes on top.</summary>
    public double Decided { get; init; }

    /// <summary>
    /// The model's embedding of the window that decided most: hidden_size values, rounded to half precision. Those of one model lie near
    /// each other where sounds are alike. Of closed events; empty where nobody asks for it.
    /// </summary>
    public ReadOnlyMemory<Half> Embedding { get; init; }

    /// <summary>Which model heard it, and how that ran.</summary>
    public ModelIdentity? HeardBy { get; init; }
}
