using System.Net.Sockets;
using AstStream.Events;
using AstStream.LoadTest;

namespace AstStream.IntegrationTests.Capture;

/// <summary>Programs that write PCM into a Unix socket, and go, and come again.</summary>
public sealed class SocketTests : IDisposable
{
    private const int Rate = 16_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-socket-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Path => System.IO.Path.Combine(_folder, "x.sock");

    [Fact]
    public async Task Socket_WriterGoesAndComesAgain_TheTimeBetweenIsLost()
    {
        await using var tap = new Tap(Tap.Source($"{{type: socket, path: {Path}, encoding: f32le, sample_rate: {Rate}}}"));
        await WriteAsync(tap, 2);
        await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the writer's being gone");
        await Task.Delay(1000);
        await WriteAsync(tap, 3);

        await tap.UntilAsync(() => tap.Samples.Count == 5 * Rate, "all of the sound");
        Assert.All(tap.Lost, l => Assert.Equal(LossReason.DeviceAway, l.Reason));
        Assert.InRange(tap.Lost.Sum(l => l.Length) / (double)Rate, 0.7, 5);
        Assert.All(tap.Samples, s => Assert.Equal(0.25f, s));
    }

    [Fact]
    public async Task Socket_EndsInOrder_LeavesNoFile()
    {
        var tap = new Tap(Tap.Source($"{{type: socket, path: {Path}}}"));
        await tap.UntilAsync(() => File.Exists(Path), "the socket");
        await tap.DisposeAsync();

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public async Task Socket_LeftByAKilledRun_IsTakenOver()
    {
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            killed.Bind(new UnixDomainSocketEndPoint(Path));

        await using var tap = new Tap(Tap.Source($"{{type: socket, path: {Path}, encoding: f32le, sample_rate: {Rate}}}"));
        await tap.UntilAsync(() => File.Exists(Path), "the socket");
        await WriteAsync(tap, 1.5);
        await tap.UntilAsync(() => tap.Samples.Count == 1.5 * Rate, "all of the sound");
    }

    [Fact]
    public async Task Socket_InUseOrNoSocket_SaysSo()
    {
        await using var first = new Tap(Tap.Source($"{{type: socket, path: {Path}}}"));
        await first.UntilAsync(() => File.Exists(Path), "the socket");
        await using var second = new Tap(Tap.Source($"{{type: socket, path: {Path}}}"));
        await second.EndedAsync();
        Assert.Contains("another program listens on it", Assert.Single(second.Report.Errors).Message, StringComparison.Ordinal);

        var file = System.IO.Path.Combine(_folder, "file");
        File.WriteAllText(file, "precious");
        await using var third = new Tap(Tap.Source($"{{type: socket, path: {file}}}"));
        await third.EndedAsync();
        Assert.Contains("is a file", Assert.Single(third.Report.Errors).Message, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(file));
    }

    [Fact]
    public async Task Socket_WrongFraming_IsToldAndTheNextWriterIsHeard()
    {
        await using var tap = new Tap(Tap.Source($"{{type: socket, path: {Path}, framing: records}}"));
        await tap.UntilAsync(() => File.Exists(Path), "the socket");
        using (var bad = await ConnectAsync())
        {
            await bad.SendAsync(new byte[100]);
            await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the refusal");
        }

        using var good = await ConnectAsync();
        byte[] header = [.. "ASTPCM1\0"u8, 0x80, 0x3E, 0, 0, 1, 0, 4, 0];
        await good.SendAsync(header);
        var record = new byte[16 + (4 * 1600)];
        BitConverter.TryWriteBytes(record, 4 * 1600);
        for (var i = 0; i < 30; i++)
        {
            await good.SendAsync(record);
            await Task.Delay(100);
        }

        await tap.UntilAsync(() => tap.Samples.Count == 30 * 1600, "all of the sound");
    }

    private async Task WriteAsync(Tap tap, double seconds)
    {
        using var socket = await ConnectAsync();
        var block = Enumerable.Repeat(0.25f, Rate / 10).SelectMany(BitConverter.GetBytes).ToArray();
        for (var i = 0; i < seconds * 10; i++)
        {
            await socket.SendAsync(block);
            await Task.Delay(100);
        }

        Assert.NotNull(tap);
    }

    private async Task<Socket> ConnectAsync()
    {
        for (var i = 0; ; i++)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path));
                return socket;
            }
            catch (SocketException) when (i < 100)
            {
                socket.Dispose();
                await Task.Delay(50);
            }
        }
    }
}
