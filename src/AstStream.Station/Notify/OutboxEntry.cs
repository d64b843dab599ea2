using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>A notification for one target.</summary>
/// <param name="Target">The target's name.</param>
/// <param name="Rule">The rule that wants it, by its name.</param>
/// <param name="Label">The label that it is about; empty for none.</param>
/// <param name="Stream">The stream that it is about; empty for none.</param>
/// <param name="Notice">What is sent.</param>
/// <param name="IsHeld">Whether it is held for a digest.</param>
internal sealed record OutboxEntry(string Target, string Rule, string Label, string Stream, Notice Notice, bool IsHeld)
{
    /// <summary>Whether it waits for its event's clip, for a while.</summary>
    public bool WaitsForClip { get; init; }

    /// <summary>The same for the same notification to the same target: it is kept, and sent, once.</summary>
    public string Key => $"{Target} {Notice.Id}";
}
