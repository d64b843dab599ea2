using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.FrontEnd;

/// <summary>Where the lanes deliver the windows of all streams for one model. Safe for all lanes at once.</summary>
internal interface IWindowScheduler
{
    /// <summary>The model's name.</summary>
    string Model { get; }

    /// <summary>The model in whose shadow it scores: it hears the same streams; null for one that reports.</summary>
    IWindowScheduler? ShadowOf { get; }

    /// <summary>How its windows are cut.</summary>
    WindowOptions Window { get; }

    /// <summary>
    /// Tells models apart whose scores differ, and windows that are cut otherwise: what one remembers of a stream another one can't use.
    /// </summary>
    string Identity { get; }

    /// <summary>The arrow that the lanes write.</summary>
    IEdge Windows { get; }

    /// <summary>One more lane delivers; told before it runs. False when all lanes have ended: nothing can be delivered any more.</summary>
    /// <param name="lane">Its name.</param>
    /// <param name="wakeUp">Set when a lane that waits for room may go on.</param>
    bool AddLane(string lane, Signal wakeUp);

    /// <summary>A stream begins.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="isLive">Whether its source can't wait.</param>
    /// <param name="isHeld">Whether it goes on with one that another model leaves: its pieces wait for <see cref="Continue"/>.</param>
    StreamTimeline Open(StreamInfo stream, bool isLive, bool isHeld = false);

    /// <summary>The model before has decided all that it heard of a stream.</summary>
    void Continue(StreamTimeline stream, Handover received);

    /// <summary>Takes a stream's next pieces.</summary>
    void Deliver(StreamTimeline stream, List<Piece> pieces);

    /// <summary>Whether a lane whose streams can wait should go on; if not, its signal is set when it should ask again.</summary>
    bool HasRoom();

    /// <summary>A lane has delivered its last piece, or has failed.</summary>
    void Complete(Exception? fault);
}
