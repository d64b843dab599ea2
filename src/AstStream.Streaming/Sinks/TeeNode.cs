using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Sinks;

/// <summary>Gives every record to the sinks that accept it. Sinks can be changed between two records.</summary>
internal sealed class TeeNode(string name, Edge<StreamRecord> input, RunReport report) : Node(name)
{
    private readonly List<Branch> _branches = [];

    public override string Description => "every record to the sinks that accept it";

    /// <summary>Adds a sink's edge.</summary>
    public Branch Connect(string sink, Edge<StreamRecord> edge, SinkOptions options)
    {
        var branch = new Branch(sink, WritesTo(edge), options);
        _branches.Add(branch);
        return branch;
    }

    /// <summary>Ends a sink's edge: the sink writes what it has and ends.</summary>
    public void Disconnect(Branch branch)
    {
        _branches.Remove(branch);
        Releases(branch.Edge);
    }

    /// <summary>Runs a change of the sinks between two records, and waits for it.</summary>
    public async Task ChangeAsync(Func<Task> change, CancellationToken cancellation)
    {
        var message = new Change(change);
        await input.WriteAsync(message, cancellation).ConfigureAwait(false);
        await message.Done.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (input.TryRead(out var record))
            {
                if (record is Change change)
                    await ApplyAsync(change).ConfigureAwait(false);
                else if (record is StreamCheckpoint checkpoint)
                    await PassCheckpointAsync(checkpoint, cancellation).ConfigureAwait(false);
                else
                    await WriteAsync(record, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        foreach (var branch in _branches)
        {
            if (!branch.Options.Accepts(record))
                continue;
            if (branch.Options.Waits != false || record is AudioRecord { Kind: MessageKind.End })
                await branch.Edge.WriteAsync(record, cancellation).ConfigureAwait(false);
            else if (!branch.Edge.TryWrite(record))
                report.SinkDrops(branch.Sink);
        }
    }

    /// <summary>Every sink is to be done with what came before, those besides that miss records when they are full.</summary>
    private async ValueTask PassCheckpointAsync(StreamCheckpoint checkpoint, CancellationToken cancellation)
    {
        foreach (var branch in _branches)
        {
            checkpoint.Expect();
            await branch.Edge.WriteAsync(checkpoint, cancellation).ConfigureAwait(false);
        }

        checkpoint.Done();
    }

    /// <summary>A change that fails is its owner's to tell; the records go on.</summary>
    private static async Task ApplyAsync(Change change)
    {
        try
        {
            await change.Apply().ConfigureAwait(false);
            change.Done.SetResult();
        }
        catch (Exception e)
        {
            change.Done.SetException(e);
        }
    }

    /// <summary>One sink as the tee sees it.</summary>
    internal sealed record Branch(string Sink, Edge<StreamRecord> Edge, SinkOptions Options);

    /// <summary>A change on its way between the records.</summary>
    private sealed record Change(Func<Task> Apply) : StreamRecord(null!, "")
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
