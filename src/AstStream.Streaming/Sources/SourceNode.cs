using System.Threading.Channels;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Sources;

/// <summary>Runs a source. Its failure is its own: its streams end, the others go on.</summary>
internal sealed class SourceNode(
    string name, string description, IAudioSource source, SourceOutput output, RunReport report, CancellationToken stop) : Node(name)
{
    public override string Description => description;

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        try
        {
            await source.RunAsync(output, stop, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not ChannelClosedException && !cancellation.IsCancellationRequested)
        {
            report.Fail(Name, $"the source failed: {e.GetBaseException().Message.ReplaceLineEndings(" ")}");
        }

        await output.EndAllAsync(cancellation).ConfigureAwait(false);
    }
}
