using System.Numerics;
using AstStream.Events;
using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Sources;

/// <summary>Mono samples as they arrive, any length, in [-1, 1]; or a mark.</summary>
public sealed class AudioBlock : Pooled<AudioBlock>
{
    private float[] _values = [];
    private int _length;

    /// <summary>The stream that it belongs to.</summary>
    public StreamInfo Stream { get; private set; } = null!;

    /// <summary>Samples, or a mark.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>
    /// The first sample, counted from the stream's start. On a discontinuity, where time goes on; at the end, the length.
    /// </summary>
    public long Start { get; private set; }

    /// <summary>Samples a second; <see cref="Start"/> counts these.</summary>
    public int SampleRate { get; private set; }

    /// <summary>When its last sample was there, by the clock's timestamps; the graph sets it where the source does not.</summary>
    public long Captured { get; set; }

    /// <summary>On a discontinuity, why time is missing.</summary>
    public LossReason Reason { get; set; }

    /// <summary>Whether it is no sound of any stream, and only wakes the lane that gets it.</summary>
    internal bool IsWakeUp => Stream is null;

    /// <summary>The samples.</summary>
    public Span<float> Samples => _values.AsSpan(0, _length);

    /// <summary>Takes a block of samples, which are undefined yet.</summary>
    /// <param name="stream">The stream that it belongs to.</param>
    /// <param name="start">The first sample.</param>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <param name="length">How many samples there are, 0 to 2³⁰.</param>
    public static AudioBlock Rent(StreamInfo stream, long start, int sampleRate, int length)
    {
        var block = Mark(stream, MessageKind.Data, start, sampleRate, LossReason.None, BitOperations.Log2((uint)length) + 1);
        block.Resize(length);
        return block;
    }

    /// <summary>Takes a block before it is known where it belongs: <see cref="Place"/> says it.</summary>
    public static AudioBlock Rent(int sampleRate, int length) => Rent(null!, 0, sampleRate, length);

    /// <summary>Says where the block belongs.</summary>
    public void Place(StreamInfo stream, long start) => (Stream, Start) = (stream, start);

    /// <summary>Makes room for a number of samples; what is there up to the smaller length stays. Memory only grows.</summary>
    public Span<float> Resize(int length)
    {
        if (_values.Length < length)
            Array.Resize(ref _values, (int)Math.Max(256, BitOperations.RoundUpToPowerOf2((uint)length)));
        _length = length;
        return Samples;
    }

    /// <summary>No sound of any stream: it wakes the lane that gets it.</summary>
    internal static AudioBlock WakeUp() => Mark(null!, MessageKind.Data, 0, 0);

    internal static AudioBlock Mark(
        StreamInfo stream, MessageKind kind, long start, int sampleRate, LossReason reason = LossReason.Gap, int size = 0)
    {
        var block = RentAny(size);
        block.Stream = stream;
        block.Kind = kind;
        block.Start = start;
        block.SampleRate = sampleRate;
        block.Reason = reason;
        block.Captured = 0;
        block._length = 0;
        return block;
    }

    /// <inheritdoc/>
    protected override void Clear() => Stream = null!;
}
