using System.Diagnostics;
using AstStream.Events;
using AstStream.LoadTest;

namespace AstStream.IntegrationTests.Capture;

/// <summary>Network streams through ffmpeg, from servers that cut, stall and send garbage.</summary>
public sealed class NetworkStreamTests : IAsyncLifetime
{
    private const int Mp3Bytes = 8_000; // a second, at 64 kbit/s

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-net-").FullName;
    private byte[] _mp3 = [];

    public async Task InitializeAsync() => _mp3 = await EncodeAsync("sine=1000:r=44100:d=10", "mp3");

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Http_EndlessStream_IsHeardInRealTime()
    {
        await using var server = Mp3Server();
        await using var tap = new Tap(Tap.Source($"{{type: ffmpeg, url: '{server.Url}'}}"));
        await tap.UntilAsync(() => tap.Samples.Count > 5 * 44_100, "five seconds of sound");

        Assert.Equal(44_100, tap.Rate);
        Assert.Empty(tap.Lost);
        Assert.Equal(SourceState.Running, tap.Health.State);
        Assert.InRange(tap.Health.Meter!.RmsDb, -25f, -18f); // ffmpeg's sine has an amplitude of 1/8
        Assert.Equal((TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds, tap.Position / 44_100.0, 2.0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Live_ServerCutsAndComesBack_TheTimeBetweenIsLost(bool isRtsp)
    {
        await using SoundServer server = isRtsp ? new RtspServer() : Mp3Server();
        await using var tap = Listen(server, "stall_timeout: 10s, max_backoff: 500ms");
        await tap.UntilAsync(() => tap.Samples.Count > 2 * tap.Rate && tap.Rate > 0, "two seconds of sound");
        server.IsDown = true;
        server.Cut();
        await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the stream's being away");
        await Task.Delay(2000);
        var before = tap.Samples.Count;
        server.IsDown = false;
        await tap.UntilAsync(() => tap.Samples.Count > before + (2 * tap.Rate), "sound after it came back");

        Assert.All(tap.Lost, l => Assert.Equal(LossReason.DeviceAway, l.Reason));
        // 2 s of a server that was down, which the two seconds that HTTP sends at once may cover.
        Assert.InRange(tap.Lost.Sum(l => l.Length) / (double)tap.Rate, isRtsp ? 1 : 0, 12);
        Assert.Equal(tap.Position, tap.Samples.Count + tap.Lost.Sum(l => l.Length));
        Assert.Equal((TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds, tap.Position / (double)tap.Rate, 2.5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Live_ServerStalls_IsNoticedAndOpenedAnew(bool isRtsp)
    {
        await using SoundServer server = isRtsp ? new RtspServer() : Mp3Server();
        await using var tap = Listen(server, "stall_timeout: 2s, max_backoff: 500ms");
        await tap.UntilAsync(() => tap.Samples.Count > 2 * tap.Rate && tap.Rate > 0, "two seconds of sound");
        server.IsStalled = true;
        await tap.UntilAsync(() => tap.Health.State == SourceState.Stalled, "the stream's being stalled");
        await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the stream's being opened again");
        server.IsStalled = false;
        var before = tap.Samples.Count;
        await tap.UntilAsync(() => tap.Samples.Count > before + tap.Rate, "sound after the stall");

        Assert.True(server.Connections >= 2);
        Assert.InRange(tap.Lost.Sum(l => l.Length) / (double)tap.Rate, 1, 15);
    }

    [Fact]
    public async Task Http_GarbageInTheMiddle_SoundGoesOn()
    {
        await using var server = Mp3Server();
        await using var tap = Listen(server, "max_backoff: 500ms, stall_timeout: 3s");
        await tap.UntilAsync(() => tap.Samples.Count > 2 * 44_100, "two seconds of sound");
        server.IsGarbage = true;
        await Task.Delay(1500);
        server.IsGarbage = false;
        var before = tap.Samples.Count;
        await tap.UntilAsync(() => tap.Samples.Count > before + (3 * 44_100), "sound after the garbage");

        Assert.Empty(tap.Report.Errors);
    }

    [Fact]
    public async Task Http_RateChangesInTheMiddle_TimeGoesOn()
    {
        byte[] mixed = [.. await EncodeAsync("sine=1000:r=44100:d=3", "mp3"), .. await EncodeAsync("sine=1000:r=22050:d=3", "mp3")];
        await using var server = new HttpServer(mixed, Mp3Bytes, "audio/mpeg");
        await using var tap = Listen(server, "");
        await tap.UntilAsync(() => tap.Samples.Count > 9 * 44_100, "nine seconds of sound");

        Assert.Empty(tap.Lost);
        Assert.Equal(1, server.Connections);
        Assert.Equal((TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds, tap.Position / 44_100.0, 2.5);
    }

    [Fact]
    public async Task Rtsp_ManyReconnects_LeaveNothingBehindAndTimeIsKept()
    {
        const int reconnects = 12; // load-tests has a hundred
        await using var server = new RtspServer();
        await using var tap = Listen(server, "max_backoff: 100ms");
        for (var i = 0; i < reconnects; i++)
        {
            var before = tap.Samples.Count;
            await tap.UntilAsync(() => tap.Samples.Count > before, "sound");
            server.Cut();
            await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the stream's being away");
        }

        await tap.UntilAsync(() => tap.Health.Reconnects >= reconnects, "the last reconnect");
        Assert.Single(Process.GetProcessesByName("ffmpeg"), p => IsMine(p, server.Url));
        Assert.Equal((TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds, tap.Position / (double)tap.Rate, 2.5);
    }

    [Theory]
    [InlineData("m=audio 0 RTP/AVP 96\r\na=rtpmap:96 NOSUCHCODEC/8000\r\n")]
    [InlineData("m=video 0 RTP/AVP 26\r\n")]
    public async Task Rtsp_WrongCodecOrNoSound_SaysSo(string codec)
    {
        await using var server = new RtspServer { Codec = codec };
        await using var tap = Listen(server, "when_missing: fail, stall_timeout: 3s");
        await tap.EndedAsync();

        Assert.Contains("rtsp://127.0.0.1", Assert.Single(tap.Report.Errors).Message, StringComparison.Ordinal);
        Assert.Equal(SourceState.Failed, tap.Health.State);
    }

    [Theory]
    [InlineData("404 Not Found", "404")]
    [InlineData("200 OK", "Invalid data")] // a page of text
    public async Task Http_NoSoundThere_SaysWhatFfmpegSays(string status, string message)
    {
        await using var server = new HttpServer([.. "<html>no sound here</html>\n"u8], 1_000_000, "text/html") { Status = status };
        await using var tap = Listen(server, "when_missing: fail, stall_timeout: 5s");
        await tap.EndedAsync();

        Assert.Contains(message, Assert.Single(tap.Report.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PasswordInUrl_IsNowhereInTheOutput()
    {
        await using var server = new RtspServer { Login = "admin:s3cretpw" };
        var url = server.Url.Replace("rtsp://", "rtsp://admin:s3cretpw@", StringComparison.Ordinal);
        var pipeline = Pipeline($"{{type: ffmpeg, url: '{url}', max_backoff: 300ms, stall_timeout: 3s}}");

        using var process = Cli.Start("run", pipeline, "--no-watch");
        await UntilAsync(() => File.Exists(Events) && new FileInfo(Events).Length >= 0 && server.Connections > 0);
        await Task.Delay(3000);

        // Every user of the machine sees the arguments of every process.
        Assert.DoesNotContain(Process.GetProcesses(), p => IsMine(p, "s3cretpw"));
        server.Login = "admin:changed";
        server.Cut();
        await Task.Delay(3000);
        Cli.Signal(process, 2);
        var result = await Cli.FinishAsync(process);

        var graph = await Cli.RunAsync("graph", pipeline);
        var wrong = await Cli.RunAsync("run", Pipeline($"{{type: ffmpeg, url: '{url}', chanel: 1}}"));
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("away", result.Error, StringComparison.Ordinal);
        Assert.Contains("401", result.Error, StringComparison.Ordinal);
        Assert.Contains("rtsp://***@127.0.0.1", result.Error + graph.Output, StringComparison.Ordinal);
        foreach (var text in (
            string[])[result.Output, result.Error, graph.Output, graph.Error, wrong.Output, wrong.Error, File.ReadAllText(Events)])
            Assert.DoesNotContain("s3cretpw", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_PlaylistThatCallsItselfASong_OpensNothingElse()
    {
        var wav = Path.Combine(_folder, "private.mp3");
        await File.WriteAllBytesAsync(wav, await EncodeAsync("sine=1000:r=44100:d=2", "mp3"));
        await using var other = Mp3Server();
        foreach (var entry in (string[])[other.Url, "file://" + wav, "concat:" + wav])
        {
            var list = System.Text.Encoding.UTF8.GetBytes($"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{entry}\n#EXT-X-ENDLIST\n");
            await using var server = new HttpServer(list, 1_000_000, "audio/mpeg");
            await using var tap = Listen(server, "when_missing: fail, stall_timeout: 3s");
            await tap.EndedAsync();

            Assert.Empty(tap.Samples);
            Assert.Contains("127.0.0.1", Assert.Single(tap.Report.Errors).Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, other.Connections);
    }

    [Fact]
    public async Task Run_SecretsOfTheEnvironment_AreUsedAndShownNowhere()
    {
        await using var server = new RtspServer { Login = "admin:s3cretpw" };
        var url = server.Url.Replace("rtsp://", "rtsp://${env:CAMERA}@", StringComparison.Ordinal);
        var pipeline = Pipeline($"{{type: ffmpeg, url: '{url}', max_backoff: 300ms, stall_timeout: 3s}}");

        using var process = Cli.Start(new Dictionary<string, string?> { ["CAMERA"] = "admin:s3cretpw" }, "run", pipeline, "--no-watch");
        await UntilAsync(() => server.Connections > 0);
        await Task.Delay(2000);
        Cli.Signal(process, 2);
        var result = await Cli.FinishAsync(process);
        var unset = await Cli.RunAsync("validate", pipeline);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("coverage", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cretpw", result.Output + result.Error + File.ReadAllText(Events), StringComparison.Ordinal);
        Assert.Equal(2, unset.ExitCode);
        Assert.Contains("CAMERA", unset.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_IsKilled_FfmpegEndsWithIt()
    {
        await using var server = new RtspServer();
        using var process = Cli.Start("run", Pipeline($"{{type: ffmpeg, url: '{server.Url}'}}"), "--no-watch");
        await UntilAsync(() => Process.GetProcessesByName("ffmpeg").Any(p => IsMine(p, server.Url)));
        server.IsStalled = true; // it writes nothing any more, so no broken pipe ends it

        process.Kill();

        await process.WaitForExitAsync();
        await UntilAsync(() => !Process.GetProcessesByName("ffmpeg").Any(p => IsMine(p, server.Url)));
    }

    [Fact]
    public async Task Run_FfmpegHangs_IsToldAndNothingIsLeft()
    {
        var bin = Directory.CreateDirectory(Path.Combine(_folder, "bin")).FullName;
        var fake = Path.Combine(bin, "ffmpeg");
        File.WriteAllText(fake, "#!/bin/sh\nsleep 987654\n");
        await Process.Start("chmod", ["+x", fake]).WaitForExitAsync();

        using var process = Cli.Start(
            new Dictionary<string, string?> { ["PATH"] = bin + ":" + Environment.GetEnvironmentVariable("PATH") },
            "run", Pipeline("{type: ffmpeg, url: 'http://127.0.0.1:9/x', stall_timeout: 500ms, when_missing: fail}"));
        var result = await Cli.FinishAsync(process);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains("http://127.0.0.1:9/x could not be opened within 1 s", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Process.GetProcessesByName("sleep"), p => IsMine(p, "987654"));
    }

    private static Tap Listen(SoundServer server, string keys) =>
        new(Tap.Source(
            $"{{type: ffmpeg, url: "
                + $"'{(server is RtspServer rtsp ? rtsp.Url : ((HttpServer)server).Url)}'{(keys.Length > 0 ? ", " : "")}{keys}}}"));

    private HttpServer Mp3Server() => new(_mp3, Mp3Bytes, "audio/mpeg");

    private string Events => Path.Combine(_folder, "events.jsonl");

    private string Pipeline(string source)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(
            path, $"sources: {{cam: {source}}}\nsinks: {{out: {{type: jsonl, path: {Events}, records: [events, coverage]}}}}\n");
        return path;
    }

    private async Task<byte[]> EncodeAsync(string sound, string format)
    {
        var file = Path.Combine(_folder, Guid.NewGuid() + "." + format);
        using var ffmpeg = Process.Start(
            "ffmpeg", ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", sound, "-c:a", "libmp3lame", "-b:a", "64k", "-write_xing",
            "0", "-id3v2_version", "0", "-f", format, file]);
        await ffmpeg.WaitForExitAsync();
        Assert.Equal(0, ffmpeg.ExitCode);
        return await File.ReadAllBytesAsync(file);
    }

    private static bool IsMine(Process process, string argument)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(argument, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 1500, "it does not come to be");
            await Task.Delay(20);
        }
    }
}
