using System.Text.Json;
using AstStream.IntegrationTests.Station;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Notify;

/// <summary>Notifications of a run, as a person configures them.</summary>
public sealed class NotifyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_ALiveStream_TellsOfItsEventsAtOnceWithAPictureAtTheirEnd()
    {
        await using var phone = await TargetStandIn.StartAsync();
        await using var hook = await TargetStandIn.StartAsync();
        await using var run = new StationRun(_folder, more: $$"""

            notify:
              link: http://station
              targets:
                phone: {type: ntfy, url: '{{phone.Address}}', topic: home}
                hook: {type: webhook, url: '{{hook.Address}}'}
              rules: {all: {when: [opened, closed, reviewed], cooldown: 0s, burst: 1000} }
            """);
        await using var sound = new LiveSound(run.Socket);
        await run.AnswersAsync();
        await Task.Delay(2000);
        sound.IsLoud = true;
        await hook.TakenAsync(1);
        await Task.Delay(3000);
        sound.IsLoud = false;

        // Each that the hook, which takes no files, got of an event that opened: the phone got it as soon.
        var first = JsonDocument.Parse((await hook.TakenAsync(2))[0].Text).RootElement;
        Assert.Equal("aststream.event.v1", first.GetProperty("type").GetString());
        Assert.Equal("opened", first.GetProperty("data").GetProperty("state").GetString());
        Assert.Equal("porch", first.GetProperty("subject").GetString());
        for (var i = 0; i < 600 && !phone.Taken.Any(r => r.Method == "PUT"); i++)
            await Task.Delay(50);
        var picture = phone.Taken.First(r => r.Method == "PUT");
        Assert.Equal<byte>([0x89, (byte)'P', (byte)'N', (byte)'G'], picture.Body[..4]);
        Assert.Contains($"click={Uri.EscapeDataString("http://station/#events/")}", picture.Path, StringComparison.Ordinal);

        using var client = new HttpClient();
        var id = first.GetProperty("data").GetProperty("id").GetString();
        var review = await client.PostAsync(
            new Uri($"{run.Address}/api/v1/reviews"), new StringContent($$"""{"event_ids": ["{{id}}"], "verdict": "right"}""",
                System.Text.Encoding.UTF8, "application/json"));
        Assert.True(review.IsSuccessStatusCode, await review.Content.ReadAsStringAsync());
        for (var i = 0; i < 600 && !hook.Taken.Any(r => r.Text.Contains("aststream.review.v1", StringComparison.Ordinal)); i++)
            await Task.Delay(50);
        Assert.Contains(hook.Taken, r => r.Text.Contains("is right, says page", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Test_TargetsThatTakeItAndNot_SaysWhichAndWhy()
    {
        await using var phone = await TargetStandIn.StartAsync();
        var path = Write($$"""
            targets:
                phone: {type: ntfy, url: '{{phone.Address}}', topic: home, attach: none}
                away: {type: gotify, url: 'http://127.0.0.1:1', token: secret-token}
            """);

        var all = await Cli.RunAsync("notify", "test", path);
        var one = await Cli.RunAsync("notify", "test", path, "phone");
        var none = await Cli.RunAsync("notify", "test", path, "fone");

        Assert.Equal((1, 0, 2), (all.ExitCode, one.ExitCode, none.ExitCode));
        Assert.Contains("error: away: http://127.0.0.1:1 can't be reached", all.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", all.Error + all.Output, StringComparison.Ordinal);
        Assert.Contains("arrived in", one.Output, StringComparison.Ordinal);
        Assert.Contains("has no 'fone'; did you mean 'phone'?", none.Error, StringComparison.Ordinal);
        Assert.Contains("AstStream can reach you", phone.Taken[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validate_ALabelThatTheModelDoesNotHave_NamesTheNearestOne()
    {
        var path = Write("targets: {phone: {type: ntfy, topic: home} }\n  rules: {all: {labels: [Dogg]} }", rules: "");

        var result = await Cli.RunAsync("validate", path);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(
            "notify.rules.all.labels: no model has the label 'Dogg'; did you mean 'Dog'?", result.Error, StringComparison.Ordinal);
    }

    private string Write(string notify, string rules = "\n  rules: {all: {} }")
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $"sources: {{mic: {{type: stdin}}}}\nnotify:\n  data: n.db\n  {notify}{rules}\n");
        return path;
    }
}
