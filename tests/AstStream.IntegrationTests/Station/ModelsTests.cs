using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Station;

/// <summary>A model that scores in another one's shadow, and takes its place, as a person sees and does it.</summary>
public sealed class ModelsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_WithAShadow_ShowsTheDifferencesAndExchangesTheTwo()
    {
        SmallModel.Make(_folder, "before", 0);
        SmallModel.Make(_folder, "after", 1);
        Tones.Write(_folder, "tone.wav", 100);
        var start = TimeProvider.System.GetUtcNow().AddHours(-1);
        await using var run = new StationRun(_folder, $$"""
            sources:
              porch: {type: socket, path: {{_folder}}/porch.sock, encoding: s16le, sample_rate: 16000, channels: 1}
              tape: {type: file, path: tone.wav, start_time: '{{start:yyyy-MM-ddTHH:mm:ssZ}}'}
            model: {path: before, shadow: after, hop: 500ms} # the newer one is on trial
            events: {threshold: 0.02}
            """);
        await run.AnswersAsync();
        await using var sound = new LiveSound(run.Socket);
        using var client = new HttpClient { BaseAddress = new Uri(run.Address + "/api/v1/") };
        var file = Path.Combine(_folder, "p.yaml");

        var differences = await UntilAsync(
            client, "models/model/differences", d => d.TryGetProperty("seconds", out var s) && s.GetDouble() > 99);
        Assert.NotEmpty(differences.GetProperty("labels").EnumerateArray());
        Assert.Equal(100, differences.GetProperty("seconds").GetDouble(), 0.2);
        var events = await client.GetFromJsonAsync<JsonElement>("events");
        Assert.All(
            events.GetProperty("events").EnumerateArray(),
            e => Assert.Equal("model", e.GetProperty("event").GetProperty("model").GetString()));

        var models = await client.GetFromJsonAsync<JsonElement>("models");
        var version = models.GetProperty("version").GetString();
        Assert.EndsWith("/before", PathOf(models), StringComparison.Ordinal);
        Directory.CreateDirectory(file + ".new"); // nothing can be written in its place
        Assert.Contains(
            "by hand it would be line 4: model: {path: after, shadow: before, hop: 500ms}",
            await (await PromoteAsync(client, version)).Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Directory.Delete(file + ".new");
        Assert.Equal(HttpStatusCode.NoContent, (await PromoteAsync(client, version)).StatusCode);
        Assert.Contains(
            "model: {path: after, shadow: before, hop: 500ms} # the newer one is on trial", await File.ReadAllTextAsync(file),
            StringComparison.Ordinal);
        Assert.EndsWith("/after", PathOf(await client.GetFromJsonAsync<JsonElement>("models")), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, (await PromoteAsync(client, version)).StatusCode);

        // And back, by the command; the run watches its file.
        var back = await Cli.RunAsync("model", "promote", file);
        Assert.Equal((0, ""), (back.ExitCode, back.Error));
        Assert.Contains("/before is to report now, with ", back.Output, StringComparison.Ordinal);
        await UntilAsync(client, "models", m => PathOf(m).EndsWith("/before", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("model: {path: before}", "no model has a shadow; expected 'shadow: DIR' beside its 'path'")]
    [InlineData("models: {a: {path: before, shadow: other}, b: {path: before, shadow: other}}", "expected --model, one of a, b")]
    [InlineData("model: {path: before, shadow: nowhere}", "model.shadow: ")]
    public async Task Promote_WhatCannotBeExchanged_SaysWhatIsExpected(string model, string message)
    {
        SmallModel.Make(_folder, "before", 0);
        SmallModel.Make(_folder, "other", 1);
        var file = Path.Combine(_folder, "p.yaml");
        var text = $"sources: {{mic: {{type: stdin}}}}\n{model}\nsinks: {{c: {{type: console}}}}\n";
        await File.WriteAllTextAsync(file, text);

        var result = await Cli.RunAsync("model", "promote", file);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(file));
    }

    private static string PathOf(JsonElement models) => models.GetProperty("models")[0].GetProperty("path").GetString()!;

    private static Task<HttpResponseMessage> PromoteAsync(HttpClient client, string? version) =>
        client.PostAsJsonAsync("models/model/promote", new { version });

    private static async Task<JsonElement> UntilAsync(HttpClient client, string path, Func<JsonElement, bool> isSo)
    {
        for (var i = 0; ; i++)
        {
            using var response = await client.GetAsync(new Uri(path, UriKind.Relative));
            var answer = response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JsonElement>() : default;
            if (response.IsSuccessStatusCode && isSo(answer))
                return answer;
            Assert.True(i < 300, $"{response.StatusCode} {answer}");
            await Task.Delay(100);
        }
    }
}
