namespace AstStream.Streaming.Graph;

/// <summary>A node's fault, with the node's name. Downstream nodes pass it on as it is.</summary>
public sealed class NodeFaultException : Exception
{
    /// <summary>Makes the exception.</summary>
    public NodeFaultException(string node, Exception inner)
        : base($"{node}: {inner.Message}", inner) => Node = node;

    /// <summary>The node that failed.</summary>
    public string Node { get; }
}
