using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Decoding;

/// <summary>One stream as the decoding node has it.</summary>
/// <param name="decoder">Turns its scores into events.</param>
/// <param name="ledger">Accounts for its time.</param>
/// <param name="checkpoint">The number of its next checkpoint; 0 where nobody asks for checkpoints.</param>
internal sealed class StreamDecoding(IEventDecoder decoder, CoverageLedger ledger, long checkpoint)
{
    private UnusualStream? _unusual; // what it usually sounds like; null where nobody asks
    private bool _hasBegun; // with that

    public IEventDecoder Decoder => decoder;

    public CoverageLedger Ledger => ledger;

    /// <summary>What has scored its last window.</summary>
    public ModelIdentity? HeardBy { get; set; }

    /// <summary>How unusual it sounds; null where nobody asks.</summary>
    public UnusualReading? Unusual => _unusual?.Now;

    /// <summary>What its last windows were to the model.</summary>
    public EventEmbeddings Embeddings { get; } = new();

    /// <summary>What the input carried with the last window.</summary>
    public IReadOnlyList<CarriedHeader> Carried { get; set; } = [];

    /// <summary>Up to where the stream's time was accounted for before it came here.</summary>
    public long CoveredTo { get; set; }

    public long Checkpoint { get; set; } = checkpoint;

    /// <summary>The events that were closed as another model goes on with the stream.</summary>
    public IReadOnlyList<(string Label, long Offset)> Closed { get; set; } = [];

    /// <summary>Takes a window that was scored, in the stream's turn: for its events' embeddings, and to find what is unusual.</summary>
    /// <param name="window">The window.</param>
    /// <param name="options">Whether somebody wants to know what is unusual.</param>
    /// <param name="detect">Gets events of what is.</param>
    public void Listen(Piece window, DecodeOptions options, Action<DetectedEvent> detect)
    {
        if (options.UnusualRule is { } rule && !window.Embedding.IsEmpty)
        {
            if (!_hasBegun)
                _unusual = options.Unusual!.Begin(rule, window.Timeline.Stream, options.ModelHash, window.Embedding.Length);
            _hasBegun = true;
            if (_unusual?.Push(window.Timeline.Stream, window, detect) == true)
                options.Unusual!.Save(_unusual);
        }

        var score = _unusual?.Now.Score ?? 0;
        Embeddings.Add(window, options.Options.Thresholds, float.IsNaN(score) ? 0 : score);
    }

    /// <summary>What is unusual has ended: sound is missing, or the stream is over for this model.</summary>
    /// <param name="isLast">Whether it is over.</param>
    /// <param name="options">Who keeps what was learnt.</param>
    /// <param name="detect">Gets an event that closes.</param>
    public void Interrupt(bool isLast, DecodeOptions options, Action<DetectedEvent> detect)
    {
        _unusual?.Flush(detect);
        if (!isLast || _unusual is null)
            return;
        options.Unusual!.End(_unusual);
        _unusual = null;
    }

    /// <summary>What it says to the model that goes on with the stream.</summary>
    public Handover HandOver() => new(Ledger.End, Ledger.Last, Checkpoint, Carried, Closed);
}
