using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Files;

/// <summary>How a file is played into a pipeline.</summary>
/// <param name="Id">The stream's name.</param>
/// <param name="Block">Sound that is read at once.</param>
internal sealed record FilePlay(string Id, TimeSpan Block)
{
    /// <summary>The clock by which it is played as fast as it was recorded; null, the default, for as fast as the model goes.</summary>
    public TimeProvider? Pace { get; init; }

    /// <summary>When its first sample was heard; null, the default, where that is not known.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>
    /// Who wants to know that all of it was published; null, the default, for nobody. Then a stream that is not read to its end is given up
    /// in place of being ended, so that it can be read again.
    /// </summary>
    public IDelivery? Delivery { get; init; }
}
