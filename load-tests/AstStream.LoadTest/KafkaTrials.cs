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
        var random = new Random(1);
        var seconds = turns * 2.2;
        var feeding = trial.FeedAsync(streams, seconds, pace: 0.5);
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < turns; i++)
        {
            trial.Start("live", "w1");
            await Task.Delay(random.Next(1500, 6500));
            trial.Kill("w1");
        }

        trial.Start("live", "w1");
        await feeding;
        await trial.DoneAsync("live", TimeSpan.FromMinutes(5));
        Report($"SIGKILL {turns} times, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", await CompareAsync(trial));
    }

    /// <summary>Three workers; one is added, one drains, one is frozen and goes on.</summary>
    public static async Task MovesAsync(string servers, int streams, int frozen)
    {
        await using var trial = new KafkaTrial(servers, s_program, 12);
        var clock = Stopwatch.StartNew();
        var feeding = trial.FeedAsync(streams, 45 + frozen, pace: 1);
        foreach (var worker in (string[])["w1", "w2", "w3"])
            trial.Start("live", worker);
        await Task.Delay(10_000);
        trial.Start("live", "w4");
        await Task.Delay(10_000);
        trial.Signal("w1", 2);
        await trial.EndedAsync("w1");
        await Task.Delay(5_000);
        trial.Signal("w2", 19);
        await Task.Delay(frozen * 1000);
        trial.Signal("w2", 18);
        await feeding;
        await trial.DoneAsync("live", TimeSpan.FromMinutes(5));
        Report($"three workers, one more, one less, one frozen for {frozen} s, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", await CompareAsync(trial));
    }

    private static async Task<(int Records, List<string> Differences)> CompareAsync(KafkaTrial trial)
    {
        trial.Start("calm", "calm");
        await trial.DoneAsync("calm", TimeSpan.FromMinutes(10));
        var calm = trial.Read("calm");
        var live = trial.Read("live");
        return (calm.Values.Sum(v => v.Count), [.. KafkaTrial.Differences(calm, live)]);
    }

    private static void Report(string what, (int Records, List<string> Differences) result)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {result.Records} records of an undisturbed run, {result.Differences.Count} differences"));
        foreach (var difference in result.Differences.Take(20))
            Console.WriteLine("  " + difference);
    }
}
