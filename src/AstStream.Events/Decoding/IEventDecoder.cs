namespace AstStream.Events.Decoding;

/// <summary>
/// Turns one stream's scores into events. The same scores always give the same events, however they were batched. For one thread at a time.
/// </summary>
public interface IEventDecoder
{
    /// <summary>Makes the decoder of the options' timing.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    static IEventDecoder For(EventOptions options) =>
        options.Timing == EventTiming.Segment ? new SegmentDecoder(options) : new EventDecoder(options);

    /// <summary>The options that it decodes by.</summary>
    EventOptions Options { get; }

    /// <summary>
    /// Decodes by other options of the same timing from here on; events that are open stay open until the new thresholds end them.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range, or there are other classes.</exception>
    void Reconfigure(EventOptions options);

    /// <summary>Takes a window's scores and emits what they decide.</summary>
    /// <param name="window">Its time.</param>
    /// <param name="scores">One score a class.</param>
    /// <param name="emit">Receives events in the order in which they are decided.</param>
    /// <exception cref="ArgumentException">The window's cell is empty, does not join the last one, or has another number of
    /// classes.</exception>
    void Push(in WindowTime window, ReadOnlySpan<float> scores, Action<DetectedEvent> emit);

    /// <summary>Takes a part of an activity and emits what it decides.</summary>
    /// <param name="part">The part.</param>
    /// <param name="scores">One score a class of the part alone; empty where it was not scored.</param>
    /// <param name="emit">Receives events in the order in which they are decided.</param>
    /// <param name="origin">Where in its input the part was heard.</param>
    /// <param name="extents">One extent a class; empty where only the part's own times are known.</param>
    void Push(
        in ActivityPart part, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin = default,
        ReadOnlySpan<LabelExtent> extents = default);

    /// <summary>
    /// The stream ends or breaks here: decides everything that waits. The last interval is taken to last until
    /// <paramref name="end"/>, if that is later than its own end. The next push starts over.
    /// </summary>
    void Flush(long end, Action<DetectedEvent> emit);

    /// <summary>
    /// Another decoder has closed an event of a class, and this one, which is new, goes on: what sounds on is an event from that place on.
    /// </summary>
    /// <param name="label">The class.</param>
    /// <param name="offset">Where the event ended.</param>
    void Follow(int label, long offset);

    /// <summary>Emits, as they would be closed now, the events that were opened and are not closed; they stay open.</summary>
    void Unclosed(Action<DetectedEvent> emit);

    /// <summary>Writes what it remembers, so that another decoder can go on from here.</summary>
    void Save(BinaryWriter state);

    /// <summary>
    /// Takes over what another decoder remembered; this one must be new. Its own options hold, whatever the other's were.
    /// </summary>
    /// <exception cref="InvalidDataException">That is no state of a decoder of so many classes.</exception>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    void Restore(BinaryReader state);
}
