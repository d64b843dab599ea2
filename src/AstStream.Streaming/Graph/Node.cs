using System.Threading.Channels;

namespace AstStream.Streaming.Graph;

/// <summary>A node of the dataflow graph: a loop that reads its input, works, and writes its outputs.</summary>
public abstract class Node
{
    private readonly Lock _lock = new();
    private readonly List<(IEdge Edge, Action<Exception?> Complete)> _outputs = [];

    /// <summary>Makes a node; the name stands in errors and pictures.</summary>
    protected Node(string name) => Name = name;

    /// <summary>The node's name, unique in its graph.</summary>
    public string Name { get; }

    /// <summary>What the node does, in a few words, for pictures of the graph.</summary>
    public abstract string Description { get; }

    /// <summary>The edges that it writes.</summary>
    public IReadOnlyList<IEdge> Outputs => [.. All().Select(o => o.Edge)];

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
            fault = cause is NodeFaultException || (cause is OperationCanceledException && cancellation.IsCancellationRequested)
                ? cause : new NodeFaultException(Name, cause);
            throw fault;
        }
        finally
        {
            foreach (var (_, complete) in All())
                complete(fault);
        }
    }

    /// <summary>Ends every wait on the node's outputs: the graph is cancelled.</summary>
    internal void Abort(Exception cancelled)
    {
        foreach (var (_, complete) in All())
            complete(cancelled);
    }

    /// <summary>Opens what the node needs, before any node runs. An exception here stops the graph before it starts.</summary>
    internal virtual ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <summary>Closes what the node holds, after all nodes have ended.</summary>
    internal virtual ValueTask CloseAsync() => ValueTask.CompletedTask;

    /// <summary>The node's work, from the first message to the last.</summary>
    protected abstract Task WorkAsync(CancellationToken cancellation);

    /// <summary>
    /// Registers an arrow that is no channel as this node's output, and what tells its reader that the node is done or has failed.
    /// </summary>
    internal void CompletesWith(IEdge edge, Action<Exception?> complete)
    {
        lock (_lock)
            _outputs.Add((edge, complete));
    }

    /// <summary>The node will not run after all: its outputs end, if no other node writes them.</summary>
    internal void Forget()
    {
        foreach (var (_, complete) in All())
            complete(null);
        lock (_lock)
            _outputs.Clear();
    }

    /// <summary>The node will not write to an edge any more; the edge ends if no other node does.</summary>
    internal void Releases(IEdge edge)
    {
        Action<Exception?> complete;
        lock (_lock)
        {
            var index = _outputs.FindIndex(o => o.Edge == edge);
            if (index < 0)
                return;
            complete = _outputs[index].Complete;
            _outputs.RemoveAt(index);
        }

        complete(null);
    }

    /// <summary>Registers an edge as this node's output.</summary>
    protected internal Edge<T> WritesTo<T>(Edge<T> edge)
    {
        if (!edge.AddWriter(Name))
            throw new InvalidOperationException($"{Name}: {edge.To} has ended already");
        CompletesWith(edge, edge.Complete);
        return edge;
    }

    private (IEdge Edge, Action<Exception?> Complete)[] All()
    {
        lock (_lock)
            return [.. _outputs];
    }
}
