using System.Diagnostics;
using AstStream.Station.Targets;

namespace AstStream.Tests.Notify;

public sealed class CommandTargetTests : NotifyTrial
{
    [Fact]
    public async Task Send_ANotice_ComesInVariablesAndOnStandardInputAlone()
    {
        var script = $"""cat > {_folder}/in; echo "$ASTSTREAM_TITLE|$*" > {_folder}/out""";
        using var target = Target($"type: command, run: [/bin/sh, -c, '{script}', sh, fixed]");

        await target.SendAsync(
            Notice() with { Title = "$(touch /tmp/no) --help", Data = """{"event_label":"Dog"}""" }, NoticeFiles.None,
            CancellationToken.None);

        Assert.Equal("$(touch /tmp/no) --help|fixed\n", await File.ReadAllTextAsync(Path.Combine(_folder, "out")));
        Assert.Equal("""{"event_label":"Dog"}""", await File.ReadAllTextAsync(Path.Combine(_folder, "in")));
    }

    [Fact]
    public async Task Send_ACommandThatFails_SaysWhatItSaid()
    {
        using var target = Target("type: command, run: [/bin/sh, -c, 'echo out of paper >&2; exit 3']");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Equal("/bin/sh ends with 3: out of paper", e.Message);
        Assert.False(e.IsRefused);
    }

    [Fact]
    public async Task Send_ACommandThatHangs_IsEndedWithAllThatItStarted()
    {
        using var target = Target(
            $"type: command, run: [/bin/sh, -c, 'sleep 1000 & echo $! > {_folder}/pid; yes > /dev/null'], timeout: 1s");
        var begin = Stopwatch.GetTimestamp();

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains("did not end in 1 s, and was ended", e.Message, StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(20));
        var pid = (await File.ReadAllTextAsync(Path.Combine(_folder, "pid"))).Trim();
        for (var i = 0; i < 500 && IsRunning(pid); i++)
            await Task.Delay(10);
        Assert.False(IsRunning(pid), "what it started runs on");
    }

    [Fact]
    public async Task Send_ACommandThatLeavesAnotherRunning_IsDone()
    {
        using var target = Target("type: command, run: [/bin/sh, -c, 'sleep 8 & exit 0'], timeout: 5s");
        var begin = Stopwatch.GetTimestamp();

        await target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);

        Assert.True(Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(4));
    }

    private static bool IsRunning(string pid) =>
        File.Exists($"/proc/{pid}/stat") && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z", StringComparison.Ordinal);
}
