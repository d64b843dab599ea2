namespace AstStream.IntegrationTests;

/// <summary>Every scenario of the load tests still runs: briefly, to see that it does, not how fast.</summary>
public sealed class LoadTestTests
{
    private static readonly string s_program = Path.GetFullPath(Path.Combine(
        AppContext.BaseDirectory, "../../../../../load-tests/AstStream.LoadTest/bin", new DirectoryInfo(
            AppContext.BaseDirectory).Parent!.Name, "net10.0/AstStream.LoadTest.dll"));

    private static readonly string s_reference = Path.Combine(AppContext.BaseDirectory, "reference");

    [Theory]
    [InlineData("live --streams 20 --seconds 2", "limit of p99")]
    [InlineData("overload --streams 20 --seconds 1 --calm 1", "mean hop of a stream")]
    [InlineData("saturate --seconds 0.1", "medians of five")]
    [InlineData("days --days 0.01", "ledger exact")]
    [InlineData("gate --data REFERENCE/one --model REFERENCE/ast-small-16x16-t256", "| digital silence")]
    [InlineData("costs --seconds-each 0.01", "decoding 527 labels")]
    [InlineData("microphones --count 1 --seconds 2", "lost")]
    [InlineData("replug --turns 1", "came back 1 times")]
    [InlineData("reconnect --cuts 1 --turns 1 --away 0", "0 s      |")]
    [InlineData("kafka-faults --minutes 0.05", "0 lost or other")]
    [InlineData("soak --minutes 0.2 --each 1", "joined to the sample")]
    public async Task Scenario_Briefly_RunsAndReports(string arguments, string text)
    {
        Directory.CreateDirectory(Path.Combine(s_reference, "one"));
        File.Copy(Path.Combine(s_reference, "audio/noise-3s.wav"), Path.Combine(s_reference, "one/noise.wav"), overwrite: true);

        var result = await RunAsync(arguments);

        Assert.True(result.Code == 0 && result.Output.Contains(text, StringComparison.Ordinal), result.Output); // shown whole
    }

    [Theory]
    [Trait("Category", "RealKafka")]
    [InlineData("kafka-ingest --megabytes 5 --turns 1", "MB")]
    [InlineData("kafka-publish --events 500", "events")]
    [InlineData("kafka-kills --turns 1 --streams 4", "0 differences")]
    [InlineData("kafka-moves --streams 4 --freeze 1", "0 differences")]
    public async Task Scenario_OverARealCluster_RunsAndReports(string arguments, string text)
    {
        var result = await RunAsync($"{arguments} --bootstrap-servers {LoadTest.Broker.Real}");

        Assert.True(result.Code == 0 && result.Output.Contains(text, StringComparison.Ordinal), result.Output); // shown whole
    }

    private static async Task<(int Code, string Output)> RunAsync(string arguments)
    {
        using var process = Cli.Start(
            s_program, new Dictionary<string, string?>(),
            arguments.Replace("REFERENCE", s_reference, StringComparison.Ordinal).Split(' '));
        var result = await Cli.FinishAsync(process);
        return (result.ExitCode, result.Output + result.Error);
    }
}
