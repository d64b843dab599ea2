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
        await ReportAsync(
            $"three workers, one more, one less, one frozen for {frozen} s, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", trial);
    }

    /// <summary>
    /// The broker is killed and started again so many times, while two workers read from it that are started again when they end, as a
    /// supervisor does. At the end all is there once, and nobody stood still.
    /// </summary>
    public static async Task BrokerKillsAsync(string servers, int turns, int streams, string kill, string start, double every)
    {
        await using var trial = new KafkaTrial(servers, s_program, 8) { IsNamed = false };
        var clock = Stopwatch.StartNew();
        var random = new Random(1);
        using var over = new CancellationTokenSource();
        var seconds = turns * (every + 14);
        var feeding = trial.FeedAsync(streams, seconds, pace: 1);
        trial.Start("live", "w1");
        trial.Start("live", "w2");
        var supervising = trial.SuperviseAsync("live", over.Token);
        for (var turn = 0; turn < turns; turn++)
        {
            await Task.Delay(TimeSpan.FromSeconds(every * (0.5 + random.NextDouble())));
            await ShellAsync(kill);
            await ShellAsync(start);
        }

        await feeding;
        await trial.DoneAsync("live", TimeSpan.FromMinutes(3));
        await over.CancelAsync();
        Console.WriteLine($"workers were started again {await supervising} times");
        await ReportAsync($"broker killed {turns} times under two workers, {streams} streams, {clock.Elapsed.TotalSeconds:0} s", trial);
    }

    /// <summary>How long a partition rests after its worker was killed and another one, or the same again, was started at once.</summary>
    public static async Task TakeoverAsync(string servers, int turns)
    {
        foreach (var isNamed in (bool[])[true, false])
        {
            foreach (var isInside in (bool[])[false, true])
            {
                var times = new List<double>();
                for (var turn = 0; turn < turns; turn++)
                    times.Add(await TakeOverAsync(servers, isNamed, isInside));
                times.Sort();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(isNamed ? "instance" : "none"),-9} "
                    + $"{(isInside ? "inside" : "outside"),-8} median {times[times.Count / 2]:0.0} s, longest {times[^1]:0.0} s of "
                    + $"{turns}"));
            }
        }
    }

    private static async Task<double> TakeOverAsync(string servers, bool isNamed, bool isInside)
    {
        // A worker that commits all the time is inside a transaction at most moments; one that rests between commits is outside.
        await using var trial = new KafkaTrial(servers, s_program, 1) { IsNamed = isNamed, CommitInterval = isInside ? "20ms" : "1s" };
        using var over = new CancellationTokenSource();
        var feeding = trial.FeedAsync(4, 120, pace: 1, over.Token);
        trial.Start("live", "w1");
        await trial.GrowsAsync("live", 0, TimeSpan.FromSeconds(60));
        await Task.Delay(TimeSpan.FromSeconds(3));
        trial.Kill("w1");
        var before = await trial.CommittedAsync("live");
        var clock = Stopwatch.StartNew();
        trial.Start("live", isNamed ? "w1" : "w2");
        await trial.GrowsAsync("live", before, TimeSpan.FromSeconds(100));
        var rested = clock.Elapsed.TotalSeconds;
        await over.CancelAsync();
        await feeding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return rested;
    }

    private static async Task ShellAsync(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("sh", ["-c", command]))!;
        await process.WaitForExitAsync();
    }

    /// <summary>A mock cluster of three brokers fails in all the ways that it can, again and again; then the same without.</summary>
    public static async Task FaultsAsync(double minutes)
    {
        const int streams = 4, seconds = 30; // a partition of the mock keeps 5 MB
        var random = new Random(1);
        var (spent, records, differences, kinds) = (TimeSpan.Zero, 0, 0, 0);
        var (disturbed, calm) = (TimeSpan.Zero, TimeSpan.Zero);
        while (spent.TotalMinutes < minutes)
        {
            using var mock = Broker.Mock(3);
            await using var trial = new KafkaTrial(
                mock.Servers, s_program, 4, t => mock.Tell($"topic {t} 4"))
            { Delivery = "at_least_once" };
            var clock = Stopwatch.StartNew();
            var feeding = trial.FeedAsync(streams, seconds, pace: 1);
            trial.Start("live", "w1");
            while (!feeding.IsCompleted)
            {
                await Task.Delay(random.Next(300, 2000));
                kinds++;
                switch (random.Next(9))
                {
                    case 0:
                        mock.Tell("errors 0 6 6 7 19"); // produce: not the leader, a time-out, too few replicas
                        break;
                    case 1:
                        mock.Tell("errors 0 10"); // produce: too large
                        break;
                    case 2:
                        mock.Tell("errors 0 47 90"); // produce: the producer's epoch is old, it is fenced
                        break;
                    case 3:
                        mock.Tell("errors 1 6 6 3"); // fetch: not the leader, no such partition
                        break;
                    case 4:
                        mock.Tell("errors 8 16 15 14 7"); // offsets: not the coordinator, not there, loading, a time-out
                        break;
                    case 5:
                        mock.Tell("errors 12 16 27 25"); // heartbeat: not the coordinator, a rebalance, unknown member
                        break;
                    case 6:
                        mock.Tell($"leader {trial.Audio} {random.Next(4)} {random.Next(1, 4)}");
                        break;
                    case 7:
                        mock.Tell($"coordinator {trial.Group("live")} {random.Next(1, 4)}");
                        break;
                    default:
                        var broker = random.Next(1, 4);
                        mock.Tell($"down {broker}");
                        await Task.Delay(random.Next(200, 3000));
                        mock.Tell($"up {broker}");
                        break;
                }
            }

            spent += clock.Elapsed;
            await trial.DoneAsync("live", TimeSpan.FromMinutes(2));
            disturbed += trial.ProcessorTime("w1");
            var (undisturbed, live) = await trial.CompareAsync(TimeSpan.FromMinutes(2));
            calm += trial.ProcessorTime("calm");
            records += undisturbed.Values.Sum(v => v.Count);
            foreach (var difference in TrialRecords.Differences(undisturbed, live, mayRepeat: true))
            {
                differences++;
                Console.WriteLine("  " + difference);
            }
        }

        Console.WriteLine(
            string.Create(
            CultureInfo.InvariantCulture,
            $"{kinds} faults in {spent.TotalSeconds:0} s, {streams} streams: {records} records of undisturbed runs, {differences} lost or "
                + $"other; processor {disturbed.TotalSeconds:0.0} s in {spent.TotalSeconds:0} s, {calm.TotalSeconds:0.0} s for the same "
                + $"sound undisturbed"));
    }

    private static async Task ReportAsync(string what, KafkaTrial trial)
    {
        var (calm, live) = await trial.CompareAsync(TimeSpan.FromMinutes(10));
        var differences = TrialRecords.Differences(calm, live).ToList();
        Console.WriteLine(
            string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {calm.Values.Sum(v => v.Count)} records of an undisturbed run, {differences.Count} differences"));
        foreach (var difference in differences.Take(20))
            Console.WriteLine("  " + difference);
    }
}
