using System.Collections.Concurrent;

namespace AstStream.Streaming;

/// <summary>What a run did: counted while it runs, read at its end. Safe for all nodes at once.</summary>
public sealed class RunReport
{
    private readonly ConcurrentDictionary<string, long> _events = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<StreamError> _errors = new();
    private long _samples;
    private long _windows;
    private long _batches;
    private long _streams;

    /// <summary>Called for each stream's error as it happens.</summary>
    public Action<StreamError>? OnError { get; init; }

    /// <summary>Called for each warning as it happens: something is odd, and the run went on with it.</summary>
    public Action<StreamError>? OnWarning { get; init; }

    /// <summary>What the models run as: provider, precision, attention, batch sizes, parity error; one text for each model.</summary>
    public IReadOnlyList<string> Models { get; internal set; } = [];

    /// <summary>Seconds of sound that were heard.</summary>
    public double AudioSeconds => (double)Interlocked.Read(ref _samples) / Dsp.FbankOptions.SampleRate;

    /// <summary>Windows that were scored.</summary>
    public long Windows => Interlocked.Read(ref _windows);

    /// <summary>Runs of the model.</summary>
    public long Batches => Interlocked.Read(ref _batches);

    /// <summary>Streams that ended.</summary>
    public long Streams => Interlocked.Read(ref _streams);

    /// <summary>Closed events by label, most first.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Events => [.. _events.OrderByDescending(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal)];

    /// <summary>Streams that failed, and why.</summary>
    public IReadOnlyCollection<StreamError> Errors => _errors;

    /// <summary>A stream, or one that could not even begin, failed; the others go on.</summary>
    public void Fail(string source, string message)
    {
        var error = new StreamError(source, message);
        _errors.Enqueue(error);
        OnError?.Invoke(error);
    }

    /// <summary>Something about a stream is odd, and it was used all the same.</summary>
    public void Warn(string source, string message) => OnWarning?.Invoke(new StreamError(source, message));

    internal void AddSamples(long samples) => Interlocked.Add(ref _samples, samples);

    internal void AddStream() => Interlocked.Increment(ref _streams);

    internal void AddBatch(int windows)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _windows, windows);
    }

    internal void AddEvent(string label) => _events.AddOrUpdate(label, 1, static (_, n) => n + 1);
}

/// <summary>One stream's failure.</summary>
/// <param name="Source">The source's name in the pipeline.</param>
/// <param name="Message">What happened and what to do.</param>
public sealed record StreamError(string Source, string Message);
