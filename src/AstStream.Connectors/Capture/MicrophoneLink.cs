using AstStream.Connectors.Programs;

namespace AstStream.Connectors.Capture;

/// <summary>A device, captured by a child process.</summary>
internal sealed class MicrophoneLink(CaptureArguments arguments) : ILiveLink
{
    // Small, and quick to start: it copies bytes.
    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["DOTNET_gcConcurrent"] = "0",
        ["DOTNET_TieredPGO"] = "0",
        ["DOTNET_GCHeapCount"] = "1",
        ["JACK_NO_START_SERVER"] = "1"
    };

    // To list devices, PortAudio opens each of them for a moment: many at once take them from each other, or are too many for a sound
    // server.
    private static readonly SemaphoreSlim s_opening = new(2);

    public string Description => arguments.Choice.ToString();

    public bool CanReopen => true;

    public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
    {
        await s_opening.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await OpenNowAsync(patience, cancellation).ConfigureAwait(false);
        }
        finally
        {
            s_opening.Release();
        }
    }

    private async Task<LiveConnection> OpenNowAsync(TimeSpan? patience, CancellationToken cancellation)
    {
        ChildProcess child;
        try
        {
            child = await ChildProcess.StartAsync(Self[0], [.. Self[1..], .. arguments.ToArguments()], s_environment).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new LinkException($"{Description}: {e.Message}");
        }

        return await ChildConnection.OpenAsync(
            child, Description, PcmFraming.Records, patience, _ => WhyAsync(child), takesLeave: false, cancellation).ConfigureAwait(false);
    }

    /// <summary>How this program is started once more: by itself, or by dotnet where it is only a library.</summary>
    private static string[] Self { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "aststream"
        ? [Environment.ProcessPath!]
        : [Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath!
            : ProgramFile.Find("dotnet") ?? "dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "aststream.dll")];

    private async Task<LinkException> WhyAsync(ChildProcess child)
    {
        await child.EndedAsync().ConfigureAwait(false);
        var message = CaptureProcess.ErrorOf(child)
            ?? $"{Description}: its capturing process ended{(child.ExitCode is { } code ? $" with code {code}" : "")}";
        return new LinkException(message) { IsFinal = child.ExitCode == CaptureProcess.Final };
    }
}
