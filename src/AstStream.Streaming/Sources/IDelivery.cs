using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>
/// Whoever answers for a stream's way through the graph: that what was decided of it is published, and that its sound is kept until then. A
/// source that can be read again from an earlier place sets it on the streams that it opens.
/// </summary>
public interface IDelivery
{
    /// <summary>Where in the source's input an interval was heard; called by the stream's lane for every window.</summary>
    /// <param name="start">The first sample at the stream's own rate.</param>
    /// <param name="end">The sample after the last one.</param>
    LocatedInput Locate(long start, long end);

    /// <summary>
    /// All sinks are done with all records of the checkpoint's stream and model that are numbered up to its number. Checkpoints come in
    /// order. Called by whichever sink was the last one; must not wait.
    /// </summary>
    void Complete(StreamCheckpoint checkpoint);

    /// <summary>Who answers for a record's stream; null where nobody does.</summary>
    static IDelivery? Of(StreamRecord record) => (record.Stream as StreamInfo)?.Delivery;
}
