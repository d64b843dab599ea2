using AstStream.Events;

namespace AstStream.Connectors.Programs;

/// <summary>A way to sound is not there: it could not be opened, or it broke.</summary>
/// <param name="message">What happened and what to do, in one line and without a secret.</param>
/// <param name="reason">What the time until it is there again counts as.</param>
internal sealed class LinkException(string message, LossReason reason = LossReason.DeviceAway) : Exception(message)
{
    /// <summary>What the time until it is there again counts as.</summary>
    public LossReason Reason => reason;

    /// <summary>Whether it is an end in order, after which there is nothing to be opened.</summary>
    public bool IsEnd { get; init; }

    /// <summary>Whether trying again can't help: something must be installed, or the definition changed.</summary>
    public bool IsFinal { get; init; }
}
