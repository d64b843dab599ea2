using System.Runtime.CompilerServices;
using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Learning.Evaluation;

/// <summary>Stands before a stream's decoder, and keeps what it is given: to be decoded once more by other thresholds.</summary>
internal sealed class DecodeTape(string stream, IReadOnlyList<string> labels, IEventDecoder decoder, TapeBudget budget)
    : IEventDecoder
{
    private readonly List<(WindowTime? Window, ActivityPart? Part, Half[] Scores, LabelExtent[] Extents, long FlushedTo)> _given = [];

    /// <inheritdoc/>
    public EventOptions Options => decoder.Options;

    /// <inheritdoc/>
    public void Reconfigure(EventOptions options) => decoder.Reconfigure(options);

    /// <inheritdoc/>
    public void Push(in WindowTime window, ReadOnlySpan<float> scores, Action<DetectedEvent> emit)
    {
        Keep(window, null, scores, [], 0);
        decoder.Push(window, scores, emit);
    }

    /// <inheritdoc/>
    public void Push(
        in ActivityPart part, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin = default,
        ReadOnlySpan<LabelExtent> extents = default)
    {
        Keep(null, part, scores, extents, 0);
        decoder.Push(part, scores, emit, origin, extents);
    }

    /// <inheritdoc/>
    public void Flush(long end, Action<DetectedEvent> emit)
    {
        Keep(null, null, [], [], end);
        decoder.Flush(end, emit);
    }

    /// <inheritdoc/>
    public void Follow(int label, long offset) => decoder.Follow(label, offset);

    /// <inheritdoc/>
    public void Unclosed(Action<DetectedEvent> emit) => decoder.Unclosed(emit);

    /// <inheritdoc/>
    public void Save(BinaryWriter state) => decoder.Save(state);

    /// <inheritdoc/>
    public void Restore(BinaryReader state) => decoder.Restore(state);

    /// <summary>The closed events with one threshold for all labels that make events, and the usual release threshold.</summary>
    public IEnumerable<TimedLabel> Replay(float threshold)
    {
        float[] Of(float value) => [.. Options.Thresholds.Select(t => float.IsPositiveInfinity(t) ? t : value)];
        var other = IEventDecoder.For(
            Options with { Thresholds = Of(threshold), ReleaseThresholds = Of(EventOptions.Hysteresis * threshold) });
        var events = new List<TimedLabel>();
        void Add(DetectedEvent e)
        {
            if (e.State == EventState.Closed)
                events.Add(new TimedLabel(stream, labels[e.Label], ModelTime.Seconds(e.Onset), ModelTime.Seconds(e.Offset)));
        }

        foreach (var (window, part, halves, extents, flushedTo) in _given)
        {
            var scores = Array.ConvertAll(halves, h => (float)h);
            if (window is { } w)
                other.Push(w, scores, Add);
            else if (part is { } p)
                other.Push(p, scores, Add, extents: extents);
            else
                other.Flush(flushedTo, Add);
        }

        return events;
    }

    private void Keep(
        WindowTime? window, ActivityPart? part, ReadOnlySpan<float> scores, ReadOnlySpan<LabelExtent> extents, long flushedTo)
    {
        if (!budget.Take((scores.Length * sizeof(ushort)) + (extents.Length * Unsafe.SizeOf<LabelExtent>())))
            return;
        var halves = new Half[scores.Length];
        System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(scores, halves);
        _given.Add((window, part, halves, extents.ToArray(), flushedTo));
    }
}
