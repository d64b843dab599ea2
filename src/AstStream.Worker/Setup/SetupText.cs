using System.Text;
using System.Text.Json;
using AstStream.Events.Json;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker.Setup;

/// <summary>A pipeline as answers want it, and the secrets that stand beside it.</summary>
internal static class SetupText
{
    /// <summary>The sink's name, which no stream can have beside it.</summary>
    public const string Broker = "home_assistant";

    private const string Token = "NTFY_TOKEN";
    private const string PageToken = "STATION_TOKEN";
    private const string Password = "MQTT_PASSWORD";

    private static readonly JsonSerializerOptions s_json = new() { Encoder = JsonText.Encoder };

    /// <summary>The pipeline as YAML.</summary>
    /// <param name="answers">What is wanted.</param>
    /// <param name="data">The folder of what is kept.</param>
    public static string Pipeline(SetupAnswers answers, string data)
    {
        var text = new StringBuilder();
        void Line(string line) => text.Append(line).Append('\n');

        Line("# Written by aststream init. Edit it while it runs: it is taken over (station and notify need a restart).");
        Line("# docs/pipelines.md has every key.");
        Line("sources:");
        Line($"  {answers.Name}:");
        if (answers.Url is { } url)
        {
            Line("    type: ffmpeg");
            Line($"    url: {Quoted(Parted(url, answers.Name).Url)}");
        }
        else if (answers.Folder is { } folder)
        {
            Line("    type: file");
            Line($"    path: {Quoted(folder)}");
            Line("    watch: true                 # files that come later are heard, too");
            Line($"    ledger: {Quoted(Path.Combine(Path.GetDirectoryName(data)!, $"{answers.Name}.done"))}");
        }
        else
        {
            Line("    type: microphone");
            if (answers.Device is { } device)
                Line($"    device: {Quoted(device)}");
            if (answers.HostApi is { } api)
                Line($"    host_api: {Quoted(api)}");
            Line("    when_missing: wait");
        }

        Line("");
        Line("model:");
        Line("  hop: 1s                       # a longer one takes less of the machine");
        Line("");
        Line("station:");
        Line($"  data: {Quoted(data)}");
        if (answers.Page is { } page)
        {
            Line("  listen: \"0.0.0.0:8765\"");
            Line($"  password: {Quoted(page.PasswordHash)}");
            Line($"  tokens: {{read: [\"${{env:{PageToken}}}\"]}}    # of programs: aststream top, Prometheus");
        }

        Line("  privacy: {labels: [Speech]}   # no clip holds what people say; without this line they do");
        Line("  retention: {events: 1y, clips: 30d, size: 5GB}");
        if (answers.Ntfy is { } ntfy)
        {
            Line("");
            Line("notify:");
            Line("  targets:");
            Line("    phone:");
            Line("      type: ntfy");
            if (ntfy.Server is { } server)
                Line($"      url: {Quoted(server)}");
            Line($"      topic: {Quoted(ntfy.Topic)}");
            if (ntfy.Token is not null)
                Line($"      token: \"${{env:{Token}}}\"");
            Line("  rules:");
            Line($"    heard: {{{Labels(answers)}to: phone, cooldown: 1m}}");
            Line("  system:");
            Line("    faults: {to: phone}");
        }

        if (answers.Mqtt is { } mqtt)
        {
            Line("");
            Line("sinks:");
            Line($"  {Broker}:               # it finds each stream by itself");
            Line("    type: mqtt");
            Line($"    broker: {Quoted(mqtt.Broker)}");
            if (mqtt.User is { } user)
                Line($"    user: {Quoted(user)}");
            if (mqtt.Password is not null)
                Line($"    password: \"${{env:{Password}}}\"");
            if (answers.Labels.Count > 0)
                Line($"    labels: [{string.Join(", ", answers.Labels.Select(Quoted))}]");
        }

        return text.ToString();
    }

    /// <summary>The secrets, by the names that the pipeline has for them.</summary>
    public static IEnumerable<(string Name, string Value)> Secrets(SetupAnswers answers)
    {
        if (answers.Url is { } url && Parted(url, answers.Name) is { Name: { } name, Secret: { } secret })
            yield return (name, secret);
        if (answers.Ntfy?.Token is { } token)
            yield return (Token, token);
        if (answers.Page is { } page)
            yield return (PageToken, page.Token);
        if (answers.Mqtt?.Password is { } password)
            yield return (Password, password);
    }

    /// <summary>The text of a secrets file with some of them set; what else stands there stays.</summary>
    public static string With(string before, IReadOnlyList<(string Name, string Value)> secrets)
    {
        var kept = before.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !secrets.Any(s => line.Split('=')[0].Trim() == s.Name));
        return string.Concat(kept.Concat(secrets.Select(s => SecretsText.Line(s.Name, s.Value))).Select(line => line + "\n"));
    }

    private static string Labels(SetupAnswers answers) =>
        answers.Labels.Count == 0 ? "" : $"labels: [{string.Join(", ", answers.Labels.Select(Quoted))}], ";

    /// <summary>
    /// An address without its secrets, and those with the name that stands for them: its login; all of it where it has a query, which may
    /// hold anything.
    /// </summary>
    private static (string Url, string? Name, string? Secret) Parted(string url, string stream)
    {
        var name = stream.Replace('-', '_').ToUpperInvariant();
        var start = url.IndexOf("://", StringComparison.Ordinal) + 3;
        var end = url.IndexOfAny(['/', '?', '#'], start) is var slash and >= 0 ? slash : url.Length;
        if (url.IndexOf('?', end) >= 0)
            return ($"${{env:{name}_URL}}", $"{name}_URL", url);
        var at = url.LastIndexOf('@', end - 1, end - start);
        return at < 0 ? (url, null, null) : ($"{url[..start]}${{env:{name}_LOGIN}}{url[at..]}", $"{name}_LOGIN", url[start..at]);
    }

    /// <summary>A text as YAML and JSON both read it.</summary>
    private static string Quoted(string text) => JsonSerializer.Serialize(text, s_json);
}
