namespace AstStream.Streaming.Graph;

/// <summary>One arrow of the dataflow graph: what it joins, and its counters. Readable at any time from any thread.</summary>
public interface IEdge
{
    /// <summary>The node that writes, or all of them.</summary>
    string From { get; }

    /// <summary>The node that reads, or all of them.</summary>
    string To { get; }

    /// <summary>The message type's name.</summary>
    string Message { get; }

    /// <summary>Messages that fit before the writer waits.</summary>
    int Capacity { get; }

    /// <summary>Messages written so far, or waiting to be.</summary>
    long Written { get; }

    /// <summary>Messages in the channel now.</summary>
    int Depth { get; }

    /// <summary>Times that a writer found the channel full and waited: the reader is the slower one.</summary>
    long Waits { get; }

    /// <summary>Gives back to their pools the messages that nobody read, after all nodes have ended.</summary>
    void Drain();
}
