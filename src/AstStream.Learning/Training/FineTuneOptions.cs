using AstStream.Learning.Evaluation;
using AstStream.Model.Training;

namespace AstStream.Learning.Training;

/// <summary>How a transformer is trained further.</summary>
public sealed record FineTuneOptions
{
    private const int Fifths = 5;

    /// <summary>Times that each clip is learnt from, 1 or more.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Clips of a step, 1 or more.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The body's rate at its highest, above 0.</summary>
    public double Rate { get; init; } = 1e-4;

    /// <summary>The part of all steps in which the rate rises, 0 to 1.</summary>
    public double WarmUp { get; init; } = 0.1;

    /// <summary>How it goes then.</summary>
    public RateSchedule Schedule { get; init; }

    /// <summary>The largest norm of a step's gradients; larger ones are made shorter. Above 0.</summary>
    public double MaxNorm { get; init; } = 1;

    /// <summary>What a step keeps of the moving average of the weights, 0 (no average) to less than 1.</summary>
    public double Average { get; init; } = 0.99;

    /// <summary>What a target is drawn towards not knowing, 0 to less than 1.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Epochs without an improvement on the recordings that are chosen by, after which it ends; 0 for never.</summary>
    public int Patience { get; init; } = 6;

    /// <summary>Whether where a class is there and where it is not count the same in all.</summary>
    public bool IsBalanced { get; init; } = true;

    /// <summary>
    /// What a label that is kept counts beside one that is learnt, 0 or more: with less, layers learn more and forget more.
    /// </summary>
    public double KeepWeight { get; init; } = 1;

    /// <summary>What all randomness follows from.</summary>
    public ulong Seed { get; init; }

    /// <summary>How clips are changed.</summary>
    public AugmentOptions Augment { get; init; } = new();

    /// <summary>How a label's threshold is chosen, on the recordings that the epoch was chosen by.</summary>
    public ThresholdRule Thresholds { get; init; } = new(ThresholdRule.Rule.F1, 0);

    /// <summary>How often the state is written besides at each epoch's end.</summary>
    public TimeSpan SaveEvery { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The graphs.</summary>
    public required TrainingSessionOptions Session { get; init; }

    /// <summary>The body's rate at a step.</summary>
    /// <param name="step">The step, from 0 on.</param>
    /// <param name="steps">All of them.</param>
    public double RateAt(long step, long steps)
    {
        var rising = Math.Min(1, (step + 1) / Math.Max(1, WarmUp * steps));
        var rest = Math.Clamp((step - (WarmUp * steps)) / Math.Max(1, steps * (1 - WarmUp)), 0, 1);
        return Rate * rising * Schedule switch
        {
            RateSchedule.Cosine => (1 + Math.Cos(Math.PI * rest)) / 2,
            RateSchedule.Step => Math.Pow(0.5, Math.Max(0, Math.Floor(Fifths * rest) - 1)),
            _ => 1,
        };
    }
}
