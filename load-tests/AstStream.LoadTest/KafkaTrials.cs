using System.Diagnostics;
using System.Globalization;

namespace AstStream.LoadTest;

/// <summary>What is done to workers that read from Kafka, and what a reader of committed events sees of it.</summary>
internal static class KafkaTrials
{
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "aststream.dll");

    /// <summary>A worker is killed with SIGKILL at random moments, and started again.</summary>
    public static async Task KillsAsync(string servers, int turns, int streams)
    {
        await using var trial = new KafkaTrial(servers, s_program, 8);
        var clock = Stopwatch.StartNew();
        await trial.KillAgainAndAgainAsync(turns, streams, turns * 2.2, seed: 1);
        await ReportAsync($"SIGKILL {turns} times, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", trial);
    }

    /// <summary>Three workers; one is added, one drains, one is frozen and goes on.</summary>
    public static async Task MovesAsync(string servers, int streams, int frozen)
    {
        await using var trial = new KafkaTrial(servers, s_program, 12);
        var clock = Stopwatch.StartNew();
        await trial.ComeGoAndFreezeAsync(streams, 45 + frozen, TimeSpan.FromSeconds(10), ("w2", frozen));
        await ReportAsync($"three workers, one more, one less, one frozen for {frozen} s, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", trial);
    }

    private static async Task ReportAsync(string what, KafkaTrial trial)
    {
        var (calm, live) = await trial.CompareAsync(TimeSpan.FromMinutes(10));
        var differences = KafkaTrial.Differences(calm, live).ToList();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {calm.Values.Sum(v => v.Count)} records of an undisturbed run, {differences.Count} differences"));
        foreach (var difference in differences.Take(20))
            Console.WriteLine("  " + difference);
    }
}
