using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using AstStream.IntegrationTests.Station;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Monitoring;

/// <summary>The alerts and the dashboard: each expression is asked of a Prometheus that scrapes a real run.</summary>
public sealed partial class MonitoringTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-monitoring-").FullName;

    private static string Monitoring => Path.Combine(Repository.Root, "deploy", "monitoring");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("check", "config", "prometheus.yaml")]
    [InlineData("check", "rules", "alerts.yaml")]
    [InlineData("test", "rules", "alerts.test.yaml")] // each alert fires when its fault is there, and none on a calm day
    public async Task Alerts_AsPromtoolChecksAndTestsThem_AreRight(params string[] arguments)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", arguments)
        {
            WorkingDirectory = Monitoring,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var said = await Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(), promtool.StandardError.ReadToEndAsync());
        await promtool.WaitForExitAsync();

        Assert.True(promtool.ExitCode == 0, string.Concat(said));
    }

    [Fact]
    public async Task Expressions_OverAScrapeOfARealRun_AreAnsweredByMetricsThatThereAre()
    {
        await using var run = new StationRun(_folder);
        await using var sound = new LiveSound(run.Socket) { IsLoud = true };
        await run.AnswersAsync();
        using var client = new HttpClient();
        var port = FreePort.Find();
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "prometheus.yml"),
            $"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: aststream, static_configs: "
                + $"[{{targets: ['{new Uri(run.Address).Authority}']}}]}}]\n");
        using var prometheus = Process.Start(new ProcessStartInfo(
            "prometheus",
            [
                $"--config.file={_folder}/prometheus.yml", $"--storage.tsdb.path={_folder}/data", $"--web.listen-address=127.0.0.1:{port}",
                "--log.level=error",
            ]))!;
        try
        {
            async Task<int> SeriesAsync(string expression)
            {
                var answer = await client.GetStringAsync(
                    new Uri($"http://127.0.0.1:{port}/api/v1/query?query={Uri.EscapeDataString(expression)}"));
                using var json = JsonDocument.Parse(answer);
                return json.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
            }

            // Events that come and go: counted ones have closed. Rates take two scrapes.
            const string seen = "increase(aststream_events_total[1m]) and on (instance) rate(aststream_windows_total[30s]) > 0";
            for (var clock = Stopwatch.StartNew(); !await IsThereAsync(() => SeriesAsync(seen)); await Task.Delay(250))
            {
                Assert.True(clock.Elapsed < s_patience, "Prometheus sees no event");
                sound.IsLoud = (int)clock.Elapsed.TotalSeconds / 4 % 2 == 0;
            }

            var names = Sample().Matches(await client.GetStringAsync(new Uri($"{run.Address}/metrics"))).Select(m => m.Value).ToHashSet();
            var documented = Documented();
            foreach (var name in names)
                Assert.True(await SeriesAsync(name) > 0, $"{name} is lost on the way, as Prometheus asks for it: OpenMetrics");

            foreach (var (expression, isShown) in Expressions())
            {
                var series = await SeriesAsync(expression); // one that is wrong is answered with 400
                var used = Name().Matches(expression).Select(m => m.Value).ToList();
                foreach (var name in used.Where(n => !names.Contains(n)))
                    Assert.True(documented.Contains(Suffix().Replace(name, "")) || documented.Contains(name), $"there is no metric {name}");
                if (isShown && used.All(names.Contains))
                    Assert.True(series > 0, $"nothing is shown by {expression}");
                else if (!isShown && used.Count > 0)
                    Assert.True(series == 0, $"on a calm day there is an alert: {expression}");
            }
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync();
        }
    }

    [Fact]
    public void Names_OfACounterAndAnotherMetric_AreNotOneFamilyOfOpenMetrics()
    {
        var names = Documented();

        Assert.NotEmpty(names);
        Assert.DoesNotContain(names, n => names.Contains(n + "_total"));
    }

    [Fact]
    public void Alerts_AllOfThem_AreExplained()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md"));
        var names = Alert().Matches(File.ReadAllText(Path.Combine(Monitoring, "alerts.yaml"))).Select(m => m.Groups[1].Value).ToList();

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal));
    }

    /// <summary>The expressions of the alerts and of the dashboard, with whether they are shown.</summary>
    private static IEnumerable<(string Expression, bool IsShown)> Expressions()
    {
        foreach (Match rule in Rule().Matches(File.ReadAllText(Path.Combine(Monitoring, "alerts.yaml"))))
            yield return (rule.Groups[1].Value.Replace(">-", "", StringComparison.Ordinal).ReplaceLineEndings(" ").Trim(), false);
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Monitoring, "grafana-dashboard.json")));
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            if (!panel.TryGetProperty("targets", out var targets))
                continue;
            foreach (var target in targets.EnumerateArray())
            {
                var expression = target.GetProperty("expr").GetString()!.Replace("$instance", ".*", StringComparison.Ordinal)
                    .Replace("$__rate_interval", "30s", StringComparison.Ordinal);
                yield return (expression, !expression.Contains("!=\"running\"", StringComparison.Ordinal)); // none is not running
            }
        }
    }

    /// <summary>The metrics that docs/metrics.md lists.</summary>
    private static HashSet<string> Documented() =>
        [.. Name().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "metrics.md"))).Select(m => m.Value)];

    private static async Task<bool> IsThereAsync(Func<Task<int>> series)
    {
        try
        {
            return await series() > 0;
        }
        catch (HttpRequestException)
        {
            return false; // it does not answer yet
        }
    }

    [GeneratedRegex(@"aststream_\w+")]
    private static partial Regex Name();

    [GeneratedRegex(@"^aststream_\w+", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex Suffix();

    [GeneratedRegex(@"alert: (\w+)")]
    private static partial Regex Alert();

    [GeneratedRegex(@"expr: (.*?)\n        (?:for|labels):", RegexOptions.Singleline)]
    private static partial Regex Rule();
}
