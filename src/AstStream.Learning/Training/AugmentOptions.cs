using AstStream.Dsp;

namespace AstStream.Learning.Training;

/// <summary>How clips are changed each time that they are learnt from, so that a model hears what matters in them.</summary>
public sealed record AugmentOptions
{
    /// <summary>How much louder or quieter, in dB; 0 for none, 6 by default.</summary>
    public double Gain { get; init; } = 6;

    /// <summary>
    /// How far a clip that is no longer than a window is turned in time, as a part of the window; 0.1 by default. One whose times are
    /// known is turned to any place, unless this is 0.
    /// </summary>
    public double Shift { get; init; } = 0.1;

    /// <summary>
    /// The probability that a clip is mixed with another one, and learns to say both in their shares (H. Zhang et al., mixup, 2018; shares
    /// of Beta(10, 10), as the AST authors take them); 0.5 by default.
    /// </summary>
    public double Mixup { get; init; } = 0.5;

    /// <summary>
    /// The longest run of frames that is hidden, as a part of the window (D. Park et al., SpecAugment, 2019); 0.2 by default.
    /// </summary>
    public double TimeMask { get; init; } = 0.2;

    /// <summary>The widest band of mel bins that is hidden, as a part of all; 0.2 by default.</summary>
    public double FrequencyMask { get; init; } = 0.2;

    /// <summary>Background sound that is laid under one clip in two, 5 to 30 dB below it; none by default.</summary>
    public IReadOnlyList<float[]> Noise { get; init; } = [];

    /// <summary>Rooms that one clip in three is played in; none by default.</summary>
    public IReadOnlyList<ImpulseResponse> Rooms { get; init; } = [];

    /// <summary>Nothing is changed.</summary>
    public static AugmentOptions None { get; } = new() { Gain = 0, Shift = 0, Mixup = 0, TimeMask = 0, FrequencyMask = 0 };
}
