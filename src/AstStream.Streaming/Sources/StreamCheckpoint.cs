using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>
/// A place in a stream up to which one model has decided everything, and what is needed to go on from there. It follows the records that
/// were decided before it, through the same arrows; sinks never see it.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model.</param>
/// <param name="Number">
/// Records with a <see cref="StreamRecord.Checkpoint"/> up to this one came before it; counted from 1 for each stream and model.
/// </param>
/// <param name="State">What <see cref="StreamInfo.States"/> takes to go on after it.</param>
/// <param name="Needed">The first sample, at the stream's own rate there, that is still needed to go on after it.</param>
/// <param name="SampleRate">That rate.</param>
/// <param name="IsEnd">Whether the stream is over: nothing is needed.</param>
public sealed record StreamCheckpoint(
    StreamInfo Stream, string Model, long Number, byte[] State, long Needed, int SampleRate, bool IsEnd) : StreamRecord(Stream, Model)
{
    /// <summary>The stream.</summary>
    public new StreamInfo Stream { get; } = Stream;

    private int _open = 1;

    /// <summary>One more sink has to be done with what came before.</summary>
    internal void Expect() => Interlocked.Increment(ref _open);

    /// <summary>A sink is done with what came before, or the tee has told all sinks.</summary>
    internal void Done()
    {
        if (Interlocked.Decrement(ref _open) == 0)
            Stream.Delivery!.Complete(this);
    }
}
