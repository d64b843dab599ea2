using System.Diagnostics;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Station;

/// <summary>A run with a station, in a process of its own.</summary>
internal sealed class StationRun : IAsyncDisposable
{
    private readonly Process _process;
    private bool _isOver;

    /// <summary>Begins a run.</summary>
    /// <param name="folder">Where its pipeline (p.yaml), its station and its socket are.</param>
    /// <param name="sources">Its sources; by default one that hears the socket, for a <see cref="LiveSound"/>.</param>
    /// <param name="more">More lines of the station.</param>
    /// <param name="arguments">More arguments.</param>
    public StationRun(string folder, string? sources = null, string more = "", params string[] arguments)
    {
        var port = FreePort.Find();
        Address = $"http://127.0.0.1:{port}";
        Socket = Path.Combine(folder, "porch.sock");
        var path = Path.Combine(folder, "p.yaml");
        sources ??= $$"""
            sources: {porch: {type: socket, path: {{Socket}}, encoding: s16le, sample_rate: 16000, channels: 1 } }
            model: {hop: 500ms}
            events: {threshold: 0.05, related: keep}
            """;
        File.WriteAllText(path, $$"""
            {{sources}}
            station:
              listen: 127.0.0.1:{{port}}
              data: {{folder}}/station
              clips: {pre: 1s, post: 1s}
              {{more}}
            """);
        _process = Cli.Start(["run", path, .. arguments]);
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, e) => Debug.WriteLine(e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where its page is.</summary>
    public string Address { get; }

    /// <summary>Where it takes sound.</summary>
    public string Socket { get; }

    /// <summary>Waits until it answers.</summary>
    public async Task AnswersAsync()
    {
        using var client = new HttpClient();
        for (var i = 0; ; i++)
        {
            try
            {
                await client.GetAsync(new Uri(Address + "/health/live"));
                return;
            }
            catch (HttpRequestException) when (i < 300 && !_process.HasExited)
            {
                await Task.Delay(100);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_isOver)
            return;
        _isOver = true;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
