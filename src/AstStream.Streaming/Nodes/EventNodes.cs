using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>Decodes each stream's scores into events.</summary>
internal sealed class DecodeNode : TransformNode<ScoreFrame, SoundEvent>
{
    private readonly Dictionary<StreamInfo, EventDecoder> _streams = [];
    private readonly IReadOnlyList<string> _labels;
    private readonly EventOptions _options;
    private readonly string _modelHash;
    private readonly RunReport _report;
    private readonly List<DetectedEvent> _detected = [];
    private readonly Action<DetectedEvent> _detect;

    public DecodeNode(string name, Edge<ScoreFrame> input, IReadOnlyList<string> labels, EventOptions options, string modelHash, RunReport report)
        : base(name, input)
    {
        _labels = labels;
        _options = options;
        _modelHash = modelHash;
        _report = report;
        _detect = _detected.Add;
    }

    public override string Description => $"{_labels.Count} labels, median of {_options.MedianWindows} windows, threshold and hysteresis";

    public override void Process(ScoreFrame message, List<SoundEvent> produced)
    {
        if (!_streams.TryGetValue(message.Stream, out var decoder))
            _streams[message.Stream] = decoder = new EventDecoder(_options);
        if (message.Kind == MessageKind.Data)
            decoder.Push(message.Start, message.End, message.Scores, _detect);
        else
            decoder.Flush(message.End, _detect);
        if (message.Kind == MessageKind.End)
            _streams.Remove(message.Stream);
        foreach (var e in _detected)
        {
            if (e.State == EventState.Closed)
                _report.AddEvent(_labels[e.Label]);
            produced.Add(new SoundEvent(
                Id(message.Stream, e), e.State, message.Stream, _labels[e.Label], Seconds(e.Onset), Seconds(e.Offset), e.PeakScore, e.MeanScore));
        }

        _detected.Clear();
        message.Return();
    }

    private static double Seconds(long sample) => (double)sample / FbankOptions.SampleRate;

    /// <summary>The same for the same stream (and its start, where known), label, onset and model, so that whoever reads an event twice can tell.</summary>
    private string Id(StreamInfo stream, DetectedEvent e)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{stream.Id}\n{stream.StartTime:O}\n{_labels[e.Label]}\n{e.Onset}\n{_modelHash}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..20];
    }
}

/// <summary>Gives every event to every sink.</summary>
internal sealed class TeeNode(string name, Edge<SoundEvent> input) : Node(name)
{
    private readonly List<Edge<SoundEvent>> _sinks = [];

    public override string Description => "every event to every sink";

    public void ConnectTo(Edge<SoundEvent> edge) => _sinks.Add(WritesTo(edge));

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (input.TryRead(out var e))
            {
                foreach (var sink in _sinks)
                    await sink.WriteAsync(e, cancellation).ConfigureAwait(false);
            }
        }
    }
}

/// <summary>Where events go. Called by one thread at a time.</summary>
public interface IEventSink : IAsyncDisposable
{
    /// <summary>Where it writes, in a few words.</summary>
    string Description { get; }

    /// <summary>Opens it before the run; an exception says what is wrong and stops the run before it starts.</summary>
    ValueTask OpenAsync(CancellationToken cancellation);

    /// <summary>Takes an event.</summary>
    ValueTask WriteAsync(SoundEvent e, CancellationToken cancellation);

    /// <summary>No event waits at the moment: a good time to flush.</summary>
    ValueTask FlushAsync(CancellationToken cancellation);
}

internal sealed class SinkNode(string name, Edge<SoundEvent> input, IEventSink sink) : Node(name)
{
    public override string Description => sink.Description;

    internal override ValueTask OpenAsync(CancellationToken cancellation) => sink.OpenAsync(cancellation);

    internal override ValueTask CloseAsync() => sink.DisposeAsync();

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (input.TryRead(out var e))
                await sink.WriteAsync(e, cancellation).ConfigureAwait(false);
            await sink.FlushAsync(cancellation).ConfigureAwait(false);
        }
    }
}
