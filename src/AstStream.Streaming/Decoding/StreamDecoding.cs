using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Decoding;

/// <summary>One stream as the decoding node has it.</summary>
/// <param name="decoder">Turns its scores into events.</param>
/// <param name="ledger">Accounts for its time.</param>
/// <param name="checkpoint">The number of its next checkpoint; 0 where nobody asks for checkpoints.</param>
internal sealed class StreamDecoding(IEventDecoder decoder, CoverageLedger ledger, long checkpoint)
{
    public IEventDecoder Decoder => decoder;

    public CoverageLedger Ledger => ledger;

    /// <summary>What has scored its last window.</summary>
    public ModelIdentity? HeardBy { get; set; }

    /// <summary>What its last windows were to the model.</summary>
    public EventEmbeddings Embeddings { get; } = new();

    /// <summary>What the input carried with the last window.</summary>
    public IReadOnlyList<CarriedHeader> Carried { get; set; } = [];

    /// <summary>Up to where the stream's time was accounted for before it came here.</summary>
    public long CoveredTo { get; set; }

    public long Checkpoint { get; set; } = checkpoint;

    /// <summary>The events that were closed as another model goes on with the stream.</summary>
    public IReadOnlyList<(string Label, long Offset)> Closed { get; set; } = [];

    /// <summary>What it says to the model that goes on with the stream.</summary>
    public Handover HandOver() => new(Ledger.End, Ledger.Last, Checkpoint, Carried, Closed);
}
