using System.Threading.Channels;

namespace AstStream.Streaming;

/// <summary>A node of the dataflow graph: a loop that reads its input, works, and writes its outputs.</summary>
public abstract class Node
{
    private readonly List<Action<Exception?>> _outputs = [];
    private readonly List<IEdge> _outputEdges = [];

    /// <summary>Makes a node; the name stands in errors and pictures.</summary>
    protected Node(string name) => Name = name;

    /// <summary>The node's name, unique in its graph.</summary>
    public string Name { get; }

    /// <summary>What the node does, in a few words, for pictures of the graph.</summary>
    public abstract string Description { get; }

    /// <summary>The edges that it writes.</summary>
    public IReadOnlyList<IEdge> Outputs => _outputEdges;

    /// <summary>Runs until the input completes, and then completes the outputs; a fault completes them with it.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        Exception? fault = null;
        try
        {
            await WorkAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // A writer meets another node's fault, or the graph's cancellation, as a closed channel.
            var cause = e is ChannelClosedException { InnerException: { } inner } ? inner : e;
            fault = cause is NodeFaultException || (cause is OperationCanceledException && cancellation.IsCancellationRequested) ? cause : new NodeFaultException(Name, cause);
            throw fault;
        }
        finally
        {
            foreach (var complete in _outputs)
                complete(fault);
        }
    }

    /// <summary>Ends every wait on the node's outputs: the graph is cancelled.</summary>
    internal void Abort(Exception cancelled)
    {
        foreach (var complete in _outputs)
            complete(cancelled);
    }

    /// <summary>Opens what the node needs, before any node runs. An exception here stops the graph before it starts.</summary>
    internal virtual ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>Closes what the node holds, after all nodes have ended.</summary>
    internal virtual ValueTask CloseAsync() => ValueTask.CompletedTask;

    /// <summary>The node's work, from the first message to the last.</summary>
    protected abstract Task WorkAsync(CancellationToken cancellation);

    /// <summary>Registers an edge as this node's output.</summary>
    protected internal Edge<T> WritesTo<T>(Edge<T> edge)
    {
        edge.AddWriter(Name);
        _outputs.Add(edge.Complete);
        _outputEdges.Add(edge);
        return edge;
    }
}

/// <summary>A node's fault, with the node's name. Downstream nodes pass it on as it is.</summary>
public sealed class NodeFaultException : Exception
{
    /// <summary>Makes the exception.</summary>
    public NodeFaultException(string node, Exception inner)
        : base($"{node}: {inner.Message}", inner) => Node = node;

    /// <summary>The node that failed.</summary>
    public string Node { get; }
}
