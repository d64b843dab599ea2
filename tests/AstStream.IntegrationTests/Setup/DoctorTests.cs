using AstStream.IntegrationTests.Station;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Setup;

/// <summary>aststream doctor, and what looks at a running station: top, tap, station health.</summary>
public sealed class DoctorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-doctor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Doctor_PeerThatIsAwayAndOneThatAnswers_TellsThemApart()
    {
        await using var server = await TargetStandIn.StartAsync();
        var authority = new Uri(server.Address).Authority;
        var yaml = Write("sources: {cam: {type: ffmpeg, url: \"rtsp://u:s3cret@127.0.0.1:9/x\"}}\n"
            + $"sinks: {"{"}k: {"{"}type: kafka, bootstrap_servers: \"{authority}\", topic: t{"}}"}\n");

        var result = await Cli.RunAsync("doctor", yaml, "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("\"bad\",\"area\":\"cam\",\"text\":\"127.0.0.1:9 does not answer", result.Output, StringComparison.Ordinal);
        Assert.Contains($"\"good\",\"area\":\"k\",\"text\":\"{authority} answers", result.Output, StringComparison.Ordinal);
        Assert.Contains("\"good\",\"area\":\"model\",\"text\":\"ast-audioset-tiny runs", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_PipelineThatIsWrong_SaysWhereAndTheNearestKey()
    {
        var result = await Cli.RunAsync("doctor", Write("sources: {a: {type: file, pathh: x}}\nsinks: {c: {type: console}}\n"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("p.yaml:1:", result.Output, StringComparison.Ordinal);
        Assert.Contains("did you mean 'path'?", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TopTapAndHealth_OfARunningStation_ShowWhatItHears()
    {
        await using var run = new StationRun(_folder);
        var sound = new LiveSound(run.Socket);
        var yaml = Path.Combine(_folder, "p.yaml");
        await run.AnswersAsync();
        var health = await Cli.RunAsync("station", "health", yaml);
        for (var tries = 0; health.ExitCode != 0 && tries < 40; tries++)
            health = await Cli.RunAsync("station", "health", yaml);

        var blocks = await Cli.RunAsync("tap", yaml, "--of", "blocks", "--stream", "por*", "--limit", "12");
        var scores = await Cli.RunAsync("tap", yaml, "--of", "scores", "--of", "decided", "--stream", "porch", "--limit", "2");
        var top = await Cli.RunAsync("top", run.Address, "--once");
        var wrong = await Cli.RunAsync("tap", yaml, "--of", "nothing");
        await sound.DisposeAsync();
        await run.DisposeAsync();
        var gone = await Cli.RunAsync("top", yaml, "--once");

        Assert.Equal((0, "ready\n"), (health.ExitCode, health.Output));
        Assert.Equal((0, 0), (blocks.ExitCode, scores.ExitCode));
        Assert.Equal(12, blocks.Output.Trim().Split('\n').Length);
        Assert.StartsWith("{\"of\":\"blocks\",\"stream\":\"porch\",\"kind\":\"data\",", blocks.Output, StringComparison.Ordinal);
        Assert.Contains("{\"of\":\"scores\",\"stream\":\"porch\",\"model\":\"model\",", scores.Output, StringComparison.Ordinal);
        Assert.Contains("{\"of\":\"decided\",\"stream\":\"porch\",\"model\":\"model\",", scores.Output, StringComparison.Ordinal);
        Assert.Contains("porch", top.Output, StringComparison.Ordinal);
        Assert.Contains("running", top.Output, StringComparison.Ordinal);
        Assert.Equal(2, wrong.ExitCode);
        Assert.Equal(1, gone.ExitCode);
        Assert.Contains("no station answers", gone.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>hi</html>", "not as a station does")]
    [InlineData("{}", "not as a station")]
    [InlineData("[1]", "not as a station")]
    public async Task Top_AnotherServer_IsNoStation(string body, string message)
    {
        await using var server = await TargetStandIn.StartAsync(async (context, _) =>
            await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(body)));

        var health = await Cli.RunAsync("station", "health", server.Address);
        var top = await Cli.RunAsync("top", server.Address, "--once");

        Assert.Equal((1, 1), (health.ExitCode, top.ExitCode));
        Assert.Contains(message, health.Error, StringComparison.Ordinal);
        Assert.Contains(message, top.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("mistake", top.Error, StringComparison.Ordinal);
    }

    private string Write(string yaml)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, yaml);
        return path;
    }
}
