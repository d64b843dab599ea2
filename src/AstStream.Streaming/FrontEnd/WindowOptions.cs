namespace AstStream.Streaming.FrontEnd;

/// <summary>How a stream is cut into windows for one model.</summary>
/// <param name="WindowFrames">Frames of one window: the model's max_length.</param>
/// <param name="HopFrames">Frames from one window's start to the next one's, 1 to WindowFrames.</param>
/// <param name="NumMelBins">Mel bins of one frame.</param>
public sealed record WindowOptions(int WindowFrames, int HopFrames, int NumMelBins)
{
    /// <summary>
    /// The most that a hop may be stretched to under overload: HopFrames to WindowFrames, so that every sample is still in a window.
    /// </summary>
    public int MaxHopFrames { get; init; } = WindowFrames;

    /// <summary>Whether windows that stay within the stream's noise floor are kept from the model.</summary>
    public bool Gate { get; init; }

    /// <summary>Whether what rises above the noise floor is noted.</summary>
    public bool FindsActivity { get; init; }

    /// <summary>Whether what sounds is scored by itself, too.</summary>
    public bool ConfirmsActivity { get; init; }
}
