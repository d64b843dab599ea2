namespace AstStream.Events.Decoding;

/// <summary>The time of a window's scores, in samples.</summary>
/// <param name="CellStart">The first sample of the interval that they stand for: the last one's end, unless it is the first after a
/// break.</param>
/// <param name="CellEnd">The sample after its last one.</param>
/// <param name="Start">The window's first sample; that of the cell where nothing was scored.</param>
/// <param name="End">The sample after the window's last one.</param>
public readonly record struct WindowTime(long CellStart, long CellEnd, long Start, long End)
{
    /// <summary>Where in its input the window was heard; events carry that of their sound.</summary>
    public InputRange Origin { get; init; }
}
