namespace AstStream.Learning.Training;

/// <summary>An epoch of a training.</summary>
/// <param name="Epoch">Which: 0 is what it began with.</param>
/// <param name="Loss">The mean loss of its steps; NaN for what it began with.</param>
/// <param name="OtherLoss">The mean loss on the recordings that the epoch is chosen by, of what is learnt.</param>
/// <param name="MeanAveragePrecision">mAP there.</param>
/// <param name="Top1">The share of clips there one of whose labels has the highest score.</param>
/// <param name="Rate">The body's rate at its end.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record EpochResult(
    int Epoch, double Loss, double OtherLoss, double MeanAveragePrecision, double Top1, double Rate, double Seconds)
{
    /// <summary>
    /// F1 of the localiser's columns there, of labels that are in a clip and have times: at a logit of 0; NaN where none is trained.
    /// </summary>
    public double Places { get; init; } = double.NaN;

    /// <summary>
    /// The share of the clips there of which the label of the base that has its highest score, of those that are kept, has the model's,
    /// too; NaN where none are kept.
    /// </summary>
    public double Kept { get; init; } = double.NaN;
}
