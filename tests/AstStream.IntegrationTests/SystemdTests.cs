using System.Net.Sockets;
using System.Text;

namespace AstStream.IntegrationTests;

/// <summary>The worker as systemd starts it: what it says to a datagram socket.</summary>
public sealed class SystemdTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-systemd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_UnderSystemd_TellsThatItRunsLivesAndDrains()
    {
        var path = Path.Combine(_folder, "notify");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        var yaml = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(yaml, "sources: {mic: {type: stdin}}\nsinks: {out: {type: jsonl, path: out.jsonl}}\n");
        using var worker = Cli.Start(
            new Dictionary<string, string?> { ["NOTIFY_SOCKET"] = path, ["WATCHDOG_USEC"] = "400000" }, "run", yaml);
        var told = new List<string>();

        await UntilAsync(socket, told, "READY=1", 1);
        await UntilAsync(socket, told, "WATCHDOG=1", 3);
        Cli.Signal(worker, 15); // SIGTERM
        await UntilAsync(socket, told, "STOPPING=1", 1);
        var result = await Cli.FinishAsync(worker);

        Assert.True(result.ExitCode == 0, $"{result.ExitCode}: {result.Error}");
        Assert.Contains(told, t => t.StartsWith("STATUS=0 streams, 0 windows", StringComparison.Ordinal));
        Assert.True(told.IndexOf("READY=1") < told.IndexOf("WATCHDOG=1"), string.Join('\n', told));
    }

    private static async Task UntilAsync(Socket socket, List<string> told, string message, int times)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[4096];
        while (told.Count(t => t == message) < times)
        {
            var count = await socket.ReceiveAsync(buffer, late.Token);
            told.AddRange(Encoding.UTF8.GetString(buffer, 0, count).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
    }
}
