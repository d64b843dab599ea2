using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>
/// Whoever answers for a stream's way through the graph: that what was decided of it is published, and that its sound is kept until then. A source
/// that can be read again from an earlier place sets it on the streams that it opens.
/// </summary>
public interface IDelivery
{
    /// <summary>Where in the source's input an interval was heard; called by the stream's lane for every window.</summary>
    /// <param name="start">The first sample at the stream's own rate.</param>
    /// <param name="end">The sample behind the last one.</param>
    InputRange Locate(long start, long end);

    /// <summary>
    /// All sinks are done with all records of the checkpoint's stream and model that are numbered up to its number. Checkpoints come in order.
    /// Called by whichever sink was the last one; must not wait.
    /// </summary>
    void Complete(StreamCheckpoint checkpoint);
}

/// <summary>
/// A place in a stream up to which one model has decided everything, and what is needed to go on from there. It follows the records that were
/// decided before it, through the same arrows; sinks never see it.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model.</param>
/// <param name="Number">Records with a <see cref="StreamRecord.Checkpoint"/> up to this one came before it; counted from 1 for each stream and model.</param>
/// <param name="State">What <see cref="StreamInfo.States"/> takes to go on behind it.</param>
/// <param name="Needed">The first sample, at the stream's own rate there, that is still needed to go on behind it.</param>
/// <param name="SampleRate">That rate.</param>
/// <param name="IsEnd">Whether the stream is over: nothing is needed.</param>
public sealed record StreamCheckpoint(StreamInfo Stream, string Model, long Number, byte[] State, long Needed, int SampleRate, bool IsEnd) : StreamRecord(Stream, Model)
{
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
