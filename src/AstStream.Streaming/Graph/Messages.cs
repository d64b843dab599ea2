using System.Collections.Concurrent;
using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>One microphone, one file, one key: a line of time of its own.</summary>
/// <param name="Id">Unique in the pipeline; stands in every event.</param>
/// <param name="Source">The source that it comes from, by its name in the pipeline.</param>
/// <param name="StartTime">When its first sample was heard, where that is known.</param>
public sealed record StreamInfo(string Id, string Source, DateTimeOffset? StartTime = null);

/// <summary>Whether a message carries data or marks a place in its stream. Marks keep their place among the data.</summary>
public enum MessageKind
{
    /// <summary>Samples, features or scores.</summary>
    Data,

    /// <summary>Time is missing behind this place: what comes next does not join what came before.</summary>
    Discontinuity,

    /// <summary>The stream is over.</summary>
    End,
}

/// <summary>A message whose memory is pooled. Whoever holds it owns it and passes it on or returns it, once.</summary>
public abstract class PooledMessage<T>
    where T : PooledMessage<T>, new()
{
    private static readonly ConcurrentQueue<T> s_pool = new();
    private float[] _values = [];
    private int _length;

    /// <summary>The stream that it belongs to.</summary>
    public StreamInfo Stream { get; private set; } = null!;

    /// <summary>Data, or a mark.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>The first sample, counted from the stream's start. On a discontinuity, where time goes on; at the end, the length.</summary>
    public long Start { get; private set; }

    /// <summary>Takes a message from the pool, or makes one.</summary>
    public static T Rent(StreamInfo stream, MessageKind kind, long start)
    {
        if (!s_pool.TryDequeue(out var message))
            message = new T();
        message.Stream = stream;
        message.Kind = kind;
        message.Start = start;
        message._length = 0;
        return message;
    }

    /// <summary>Gives the message back; the holder must not touch it afterwards.</summary>
    public void Return()
    {
        Stream = null!;
        s_pool.Enqueue((T)this);
    }

    /// <summary>What the message carries: samples, features or scores.</summary>
    protected Span<float> Values => _values.AsSpan(0, _length);

    /// <summary>Makes room for a number of values, whose contents are undefined, and returns it. Memory only grows.</summary>
    public Span<float> Resize(int length)
    {
        if (_values.Length < length)
            _values = GC.AllocateUninitializedArray<float>(length);
        _length = length;
        return Values;
    }
}

/// <summary>Mono samples as they arrive, any length, in [-1, 1].</summary>
public sealed class AudioBlock : PooledMessage<AudioBlock>
{
    /// <summary>Samples a second; <see cref="PooledMessage{T}.Start"/> counts these.</summary>
    public int SampleRate { get; set; }

    /// <summary>The samples.</summary>
    public Span<float> Samples => Values;
}

/// <summary>The normalised features of one window: what the model takes.</summary>
public sealed class FeatureWindow : PooledMessage<FeatureWindow>
{
    /// <summary>The sample behind the window's last one (of the sound in it, padding left out).</summary>
    public long End { get; set; }

    /// <summary>Where the interval begins that this window's scores stand for.</summary>
    public long CellStart { get; set; }

    /// <summary>Where it ends.</summary>
    public long CellEnd { get; set; }

    /// <summary>max_length rows of num_mel_bins values.</summary>
    public ReadOnlySpan<float> Features => Values;
}

/// <summary>Windows of any streams that are scored in one run, and the marks between them.</summary>
public sealed class WindowBatch
{
    private static readonly ConcurrentQueue<WindowBatch> s_pool = new();

    /// <summary>The windows and marks, in order.</summary>
    public List<FeatureWindow> Windows { get; } = [];

    /// <summary>Takes a batch from the pool, or makes one.</summary>
    public static WindowBatch Rent() => s_pool.TryDequeue(out var batch) ? batch : new WindowBatch();

    /// <summary>Gives the batch back; its windows are the holder's to return.</summary>
    public void Return()
    {
        Windows.Clear();
        s_pool.Enqueue(this);
    }
}

/// <summary>One window's scores and the interval [Start, End) that they stand for.</summary>
public sealed class ScoreFrame : PooledMessage<ScoreFrame>
{
    /// <summary>The sample behind the interval.</summary>
    public long End { get; set; }

    /// <summary>One score a class.</summary>
    public ReadOnlySpan<float> Scores => Values;
}

/// <summary>One event, as sinks publish it.</summary>
/// <param name="Id">The same for the same sound, model and settings: made from stream, label, onset and model.</param>
/// <param name="State">Opened or closed.</param>
/// <param name="Stream">The stream that it was heard in.</param>
/// <param name="Label">The class name.</param>
/// <param name="Onset">Seconds from the stream's start.</param>
/// <param name="Offset">Seconds from the stream's start; how far it has come while it is open.</param>
/// <param name="Score">The highest smoothed score.</param>
/// <param name="MeanScore">The mean smoothed score.</param>
public sealed record SoundEvent(string Id, EventState State, StreamInfo Stream, string Label, double Onset, double Offset, float Score, float MeanScore);
