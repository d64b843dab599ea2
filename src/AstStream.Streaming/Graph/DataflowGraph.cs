using System.Runtime.ExceptionServices;
using System.Text;

namespace AstStream.Streaming.Graph;

/// <summary>
/// A set of nodes joined by edges. Completion and faults travel downstream through the edges; cancellation comes from here
/// alone: when one node fails, the graph cancels the others and reports the fault that was first.
/// </summary>
public sealed class DataflowGraph
{
    private const int MostThreads = 64; // of the pool, that are made at once

    private readonly Lock _lock = new();
    private readonly List<Node> _nodes;
    private readonly Dictionary<Task, Node> _running = [];
    private readonly Queue<Task> _ended = []; // of those that run
    private TaskCompletionSource _anyEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationToken _stop;
    private bool _isOver;

    /// <summary>Makes a graph; its edges are known by their writers.</summary>
    /// <param name="nodes">The nodes, upstream first.</param>
    public DataflowGraph(IReadOnlyList<Node> nodes) => _nodes = [.. nodes];

    /// <summary>The nodes, upstream first; those that were added later, last.</summary>
    public IReadOnlyList<Node> Nodes
    {
        get
        {
            lock (_lock)
                return [.. _nodes];
        }
    }

    /// <summary>Completes when all nodes are open and run; never where one can't be opened.</summary>
    public Task Started => _started.Task;

    /// <summary>All edges, each once.</summary>
    public IEnumerable<IEdge> Edges => Nodes.SelectMany(n => n.Outputs).Distinct();

    /// <summary>Runs all nodes to their end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining. (To drain, stop the sources.)</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _stop = stop.Token;
        using var abort = stop.Token.Register(() =>
        {
            foreach (var node in Nodes)
                node.Abort(new OperationCanceledException(stop.Token));
        });
        Exception? first = null;
        try
        {
            foreach (var node in Nodes)
                await node.OpenAsync(stop.Token).ConfigureAwait(false);
            lock (_lock)
            {
                ReserveThreads(_nodes.Count);
                foreach (var node in _nodes)
                    Start(node);
            }

            _started.SetResult();

            first = await WaitForAllAsync(stop).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            first = e;
        }

        first = await CloseAllAsync(first).ConfigureAwait(false);
        if (first is OperationCanceledException)
            cancellation.ThrowIfCancellationRequested();
        if (first is not null)
            ExceptionDispatchInfo.Throw(first);
    }

    /// <summary>Opens a node and runs it with the others.</summary>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    internal async Task AddAsync(Node node, CancellationToken cancellation)
    {
        await _started.Task.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            await node.OpenAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            await node.CloseAsync().ConfigureAwait(false); // what it has opened half-way
            throw;
        }

        lock (_lock)
        {
            if (!_isOver)
            {
                _nodes.Add(node);
                Start(node);
                if (_stop.IsCancellationRequested)
                    node.Abort(new OperationCanceledException(_stop)); // the others were told before
                return;
            }
        }

        await node.CloseAsync().ConfigureAwait(false);
        throw new InvalidOperationException("the run is over");
    }

    /// <summary>Waits until a node has ended, which its owner has asked it to, and closes it.</summary>
    internal async Task RemoveAsync(Node node)
    {
        await _started.Task.ConfigureAwait(false);
        Task? running;
        lock (_lock)
            running = _running.FirstOrDefault(r => r.Value == node).Key;
        if (running is not null)
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the graph tells of its fault
        bool isMine;
        lock (_lock)
            isMine = _nodes.Remove(node);
        if (isMine)
            await node.CloseAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// A node that has much to do keeps its thread of the pool for long, and the pool makes more threads only slowly: with as many as there
    /// are nodes, none waits for one (a session that did had its windows wait for 130 ms). Of thousands of sources most wait for sound:
    /// they share.
    /// </summary>
    private static void ReserveThreads(int nodes)
    {
        ThreadPool.GetMinThreads(out var workers, out var ports);
        var wanted = Math.Min(nodes, MostThreads) + Environment.ProcessorCount;
        if (workers < wanted)
            ThreadPool.SetMinThreads(wanted, ports);
    }

    private void Start(Node node)
    {
        var running = Task.Run(() => node.RunAsync(_stop), CancellationToken.None);
        _running.Add(running, node);
        _ = running.ContinueWith(
            ended =>
            {
                lock (_lock)
                {
                    _ended.Enqueue(ended);
                    _anyEnded.TrySetResult();
                }
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Waits for all nodes; the first that fails stops the others, and its fault is the one to tell.</summary>
    private async Task<Exception?> WaitForAllAsync(CancellationTokenSource stop)
    {
        Exception? first = null;
        while (true)
        {
            Task? ended;
            Task anyEnded;
            lock (_lock)
            {
                if (_ended.TryDequeue(out ended))
                    _running.Remove(ended);
                else
                    _isOver = _running.Count == 0;
                if (_isOver)
                    return first;
                if (_anyEnded.Task.IsCompleted)
                    _anyEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                anyEnded = _anyEnded.Task;
            }

            if (ended is null)
                await anyEnded.ConfigureAwait(false);
            if (ended?.IsCompletedSuccessfully != false)
                continue;
            if (first is not NodeFaultException)
                first = ended.Exception?.InnerException ?? first ?? new OperationCanceledException();
            await stop.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Every node is closed, whatever the others do, and what nobody read goes back to its pool.</summary>
    private async Task<Exception?> CloseAllAsync(Exception? first)
    {
        var edges = Edges.ToList();
        List<Node> nodes;
        lock (_lock)
        {
            _isOver = true;
            nodes = [.. _nodes];
        }

        _started.TrySetException(first ?? new InvalidOperationException("the run is over"));
        _ = _started.Task.Exception; // nobody may wait for it

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

        foreach (var edge in edges)
            edge.Drain();
        return first;
    }

    /// <summary>The graph as lines of text, one an edge.</summary>
    public string ToText()
    {
        var nodes = Nodes;
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
        var nodes = Nodes;
        var ids = nodes.Select((n, i) => (n.Name, Id: $"n{i}")).ToDictionary(x => x.Name, x => x.Id, StringComparer.Ordinal);
        var text = new StringBuilder("flowchart LR\n");
        foreach (var node in nodes)
            text.AppendLine($"    {ids[node.Name]}[\"{Escape(node.Name)}<br/><small>{Escape(node.Description)}</small>\"]");
        foreach (var node in nodes)
            foreach (var edge in node.Outputs)
                text.AppendLine($"    {ids[node.Name]} -->|{edge.Message}| {string.Join(" & ", edge.To.Split(", ").Select(t => ids[t]))}");
        return text.ToString();
    }

    private static string Escape(string text) => text.Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("\"", "&quot;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
