using System.Runtime.ExceptionServices;
using System.Text;

namespace AstStream.Streaming;

/// <summary>
/// A set of nodes joined by edges. Completion and faults travel downstream through the edges; cancellation comes from here
/// alone: when one node fails, the graph cancels the others and reports the fault that was first.
/// </summary>
public sealed class DataflowGraph(IReadOnlyList<Node> nodes)
{
    /// <summary>The nodes, upstream first.</summary>
    public IReadOnlyList<Node> Nodes => nodes;

    /// <summary>All edges, each once.</summary>
    public IEnumerable<IEdge> Edges => nodes.SelectMany(n => n.Outputs).Distinct();

    /// <summary>Runs all nodes to their end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining. (To drain, stop the sources.)</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var abort = stop.Token.Register(() =>
        {
            foreach (var node in nodes)
                node.Abort(new OperationCanceledException(stop.Token));
        });
        Exception? first = null;
        try
        {
            foreach (var node in nodes)
                await node.OpenAsync(stop.Token).ConfigureAwait(false);

            var running = nodes.Select(node => Task.Run(() => node.RunAsync(stop.Token), CancellationToken.None)).ToHashSet();
            while (running.Count > 0)
            {
                var ended = await Task.WhenAny(running).ConfigureAwait(false);
                running.Remove(ended);
                if (ended.IsCompletedSuccessfully)
                    continue;
                if (first is not NodeFaultException)
                    first = ended.Exception?.InnerException ?? first;
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            first = e;
        }

        // Every node is closed, whatever the others do; the fault that was first is the one to tell.
        foreach (var node in nodes)
        {
            try
            {
                await node.CloseAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                first ??= new NodeFaultException(node.Name, e);
            }
        }

        if (first is null or OperationCanceledException)
            cancellation.ThrowIfCancellationRequested();
        if (first is not null)
            ExceptionDispatchInfo.Throw(first);
    }

    /// <summary>The graph as lines of text, one an edge.</summary>
    public string ToText()
    {
        var width = nodes.Max(n => n.Name.Length);
        var text = new StringBuilder();
        foreach (var node in nodes)
        {
            text.Append(node.Name.PadRight(width)).Append("  ").AppendLine(node.Description);
            foreach (var edge in node.Outputs)
                text.Append(' ', width + 2).AppendLine($"└─{edge.Message}─► {edge.To} (at most {edge.Capacity} waiting)");
        }

        return text.ToString();
    }

    /// <summary>The graph as a Mermaid flowchart.</summary>
    public string ToMermaid()
    {
        var ids = nodes.Select((n, i) => (n.Name, Id: $"n{i}")).ToDictionary(x => x.Name, x => x.Id, StringComparer.Ordinal);
        var text = new StringBuilder("flowchart LR\n");
        foreach (var node in nodes)
            text.AppendLine($"    {ids[node.Name]}[\"{Escape(node.Name)}<br/><small>{Escape(node.Description)}</small>\"]");
        foreach (var node in nodes)
            foreach (var edge in node.Outputs)
                text.AppendLine($"    {ids[node.Name]} -->|{edge.Message}| {ids[edge.To]}");
        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("\"", "&quot;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
