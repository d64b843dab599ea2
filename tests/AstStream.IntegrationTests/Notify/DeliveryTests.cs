using System.Diagnostics;
using System.Globalization;
using AstStream.Tests.Shared;
using Microsoft.AspNetCore.Http;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace AstStream.IntegrationTests.Notify;

/// <summary>
/// What is due arrives, in order, while targets are away, slow, refuse or never answer, and the process is killed again and again. Short
/// here; make trial-notify takes ten minutes and kills it twenty times.
/// </summary>
public sealed class DeliveryTests(ITestOutputHelper output) : IDisposable
{
    private static readonly int s_kills = Trial.IsLong ? 20 : 4;
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(Trial.IsLong ? 30 : 6);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private volatile bool _isOver; // the bad time

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_BadTargetsAndKilledAgainAndAgain_EachNotificationArrivesInOrder()
    {
        var awayPort = FreePort.Find();
        await using var good = await TargetStandIn.StartAsync();
        await using var moody = await TargetStandIn.StartAsync(MoodAsync);
        await using var halfOpen = await TargetStandIn.StartAsync(NeverAsync);
        await using var slow = await TargetStandIn.StartAsync((context, _) => Task.Delay(_isOver ? 0 : 700, context.RequestAborted));
        WriteSounds();
        var path = Path.Combine(_folder, "p.yaml");
        await File.WriteAllTextAsync(path, $$"""
            sources:
              sounds: {type: file, path: sounds}
              open: {type: stdin}
            model: {hop: 500ms}
            events: {threshold: 0.05, related: keep}
            notify:
              data: notifications.db
              targets:
                good: {type: webhook, url: '{{good.Address}}'}
                moody: {type: webhook, url: '{{moody.Address}}'}
                half_open: {type: webhook, url: '{{halfOpen.Address}}'}
                slow: {type: webhook, url: '{{slow.Address}}'}
                away: {type: webhook, url: 'http://127.0.0.1:{{awayPort}}'}
              rules: {all: {when: [opened, closed], cooldown: 0s, burst: 1000} }
            """);

        for (var kill = 0; kill < s_kills; kill++)
        {
            using var process = Cli.Start("run", path);
            var drained = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await Task.Delay(s_between + TimeSpan.FromMilliseconds(313 * kill % 1000));
            process.Kill();
            await process.WaitForExitAsync();
            await drained;
        }

        _isOver = true;
        await using var away = await TargetStandIn.StartAsync(port: awayPort);
        TargetStandIn[] targets = [good, moody, halfOpen, slow, away];
        using var last = Cli.Start("run", path);
        var said = last.StandardError.ReadToEndAsync();
        last.StandardInput.Close(); // ends when all is heard
        var begin = Stopwatch.GetTimestamp();
        while (!last.HasExited && Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(90))
            await Task.Delay(100);
        Assert.True(last.HasExited, "the last run does not end");
        var due = Due();

        Assert.True(due.Count >= 30, $"{due.Count} notifications are too few to say anything: {await said}");
        foreach (var (name, target) in ((string[])["good", "moody", "half_open", "slow", "away"]).Zip(targets))
        {
            var taken = target.Taken.Select(IdOf).ToList();
            var most = taken.CountBy(i => i).Max(i => i.Value);
            output.WriteLine(
                $"{name}: {due.Count} due, {target.All.Count} requests, {taken.Count} acknowledged, {taken.Count - due.Count} twice");
            Assert.True(most <= 2, $"{name}: one arrived {most} times");
            Assert.Equal(due, taken.Distinct());
        }
    }

    private static string IdOf(TargetStandIn.Request request) => request.Headers["webhook-id"];

    /// <summary>Answers 200, 429, 500, breaks off, or waits, in turns.</summary>
    private async Task MoodAsync(HttpContext context, int number)
    {
        if (_isOver || number % 5 == 0)
            return;
        switch (number % 5)
        {
            case 1:
                context.Response.Headers.RetryAfter = "1";
                context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
                break;
            case 2:
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                break;
            case 3:
                context.Response.StatusCode = StatusCodes.Status502BadGateway;
                context.Abort();
                break;
            default:
                await Task.Delay(1500, context.RequestAborted);
                break;
        }
    }

    /// <summary>Takes requests, and never answers.</summary>
    private async Task NeverAsync(HttpContext context, int number)
    {
        if (_isOver)
            return;
        context.Response.StatusCode = StatusCodes.Status408RequestTimeout;
        await Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    /// <summary>What the outbox says that was due, in order.</summary>
    private List<string> Due()
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "notifications.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT DISTINCT substr(key, length(target) + 2), number FROM notifications WHERE target = 'good' ORDER BY number";
        using var rows = command.ExecuteReader();
        var due = new List<string>();
        while (rows.Read())
            due.Add(rows.GetString(0));
        return due;
    }

    private void WriteSounds()
    {
        var sounds = Directory.CreateDirectory(Path.Combine(_folder, "sounds")).FullName;
        for (var i = 0; i < 3; i++)
        {
            var random = new Random(i);
            using var wav = new Dsp.WavWriter(Path.Combine(sounds, string.Create(CultureInfo.InvariantCulture, $"{i}.wav")), 16_000, 1);
            wav.Write([.. Enumerable.Range(0, 60 * 16_000).Select(
                s => (float)((random.NextDouble() - 0.5) * (s / 16_000 % 10 is 4 or 5 ? 0.5 : 0.001)))]);
        }
    }
}
