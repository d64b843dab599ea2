using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using AstStream.Dsp;
using AstStream.Kafka;
using AstStream.Kafka.Cluster;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.LoadTest;

/// <summary>
/// Workers of one group that read streams of sound from a cluster and publish events to it, while things are done to them. What a reader of
/// committed events sees at the end is compared with what one worker gives that nobody disturbed.
/// </summary>
internal sealed partial class KafkaTrial : IAsyncDisposable
{
    /// <summary>How workers make events of scores.</summary>
    public const string EventOptions = "{threshold: 0.1, median_windows: 3, min_duration: 500ms, merge_gap: 500ms}";

    private const int Block = FbankOptions.SampleRate / 4; // samples

    private readonly string _servers;
    private readonly string _program;
    private readonly string _name = $"trial-{Guid.NewGuid():N}"[..14];
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-kafka").FullName;
    private readonly Dictionary<string, Process> _workers = new(StringComparer.Ordinal);
    private readonly IProducer<string, byte[]?> _producer;

    /// <summary>Makes the topics of a trial.</summary>
    /// <param name="servers">The cluster's servers.</param>
    /// <param name="program">aststream.dll.</param>
    /// <param name="partitions">Of the topic of sound.</param>
    /// <param name="create">Makes a topic, where the cluster can't be asked to.</param>
    public KafkaTrial(string servers, string program, int partitions, Action<string>? create = null)
    {
        (_servers, _program) = (servers, program);
        _producer = new ProducerBuilder<string, byte[]?>(
            new ProducerConfig { BootstrapServers = servers, EnableIdempotence = true, LingerMs = 5 }).SetLogHandler((_, _) => { }).Build();
        if (create is not null)
        {
            Array.ForEach(
                [Audio, Events("live"), Events("calm"), $"{_name}-live-state", $"{_name}-calm-state", $"{Audio}-dead-letter"], create);
            return;
        }

        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).SetLogHandler((_, _) => { }).Build();
        admin.CreateTopicsAsync(
            [.. new[] { Audio, Events("live"), Events("calm") }.Select(
            t => new TopicSpecification { Name = t, NumPartitions = partitions })]).GetAwaiter().GetResult();
    }

    public string Audio => _name + "-audio";

    /// <summary>How workers deliver.</summary>
    public string Delivery { get; init; } = "exactly_once";

    /// <summary>Whether workers have names of their own in their group.</summary>
    public bool IsNamed { get; init; } = true;

    /// <summary>librdkafka's settings for members of the group.</summary>
    public string Member { get; init; } = "session.timeout.ms: 6000, heartbeat.interval.ms: 1000";

    /// <summary>What a worker's definition says of models; it may change between starts.</summary>
    public string Models { get; set; } = $"model: {{window: 1s, hop: 500ms, threads: 1}}\nevents: {EventOptions}";

    /// <summary>How often workers commit.</summary>
    public string CommitInterval { get; init; } = "200ms";

    /// <summary>The names of the workers that run.</summary>
    public IReadOnlyCollection<string> Workers => _workers.Keys;

    /// <summary>What a worker wrote to standard error, by its name; of all its lives.</summary>
    public Dictionary<string, StringBuilder> Said { get; } = new(StringComparer.Ordinal);

    /// <summary>The consumer group's name.</summary>
    public string Group(string group) => $"{_name}-{group}";

    public string Events(string group) => $"{_name}-{group}-events";

    /// <summary>
    /// Streams of tones and noise that come and go, no two alike; at so many times real time. A record without a value ends each.
    /// </summary>
    public async Task FeedAsync(int streams, double seconds, double pace, CancellationToken stop = default, string name = "stream")
    {
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var clock = Stopwatch.StartNew();
        var blocks = (int)(seconds * FbankOptions.SampleRate / Block);
        var samples = new short[Block];
        for (var b = 0; b < blocks; b++)
        {
            for (var s = 0; s < streams; s++)
            {
                TrialSound.Fill(s, b, samples);
                var first = (long)b * Block;
                var headers = new Headers
                {
                    { "encoding", "s16le"u8.ToArray() },
                    { "sample_rate", "16000"u8.ToArray() },
                    { "first_sample", Encoding.ASCII.GetBytes(first.ToString(CultureInfo.InvariantCulture)) },
                    { "capture_time",
                        Encoding.ASCII.GetBytes(
                        (start + TimeSpan.FromSeconds((double)first / FbankOptions.SampleRate)).UtcDateTime.ToString(
                        "O", CultureInfo.InvariantCulture)) },
                    { "session", "1"u8.ToArray() },
                };
                _producer.Produce(
                    Audio, new Message<string, byte[]?>
                    {
                        Key = $"{name}-{s}",
                        Value = MemoryMarshal.AsBytes(samples.AsSpan()).ToArray(),
                        Headers = headers
                    });
            }

            var ahead = TimeSpan.FromSeconds((b + 1) * Block / (double)FbankOptions.SampleRate / pace) - clock.Elapsed;
            if (ahead > TimeSpan.Zero)
                await Task.Delay(ahead, stop);
        }

        for (var s = 0; s < streams; s++)
            _producer.Produce(Audio, new Message<string, byte[]?> { Key = $"{name}-{s}", Value = null });
        _producer.Flush(TimeSpan.FromMinutes(1));
    }

    /// <summary>The processor time of a worker that runs.</summary>
    public TimeSpan ProcessorTime(string worker)
    {
        _workers[worker].Refresh();
        return _workers[worker].TotalProcessorTime;
    }

    /// <summary>The definition of a worker that was started.</summary>
    public string File(string worker) => Path.Combine(_folder, worker + ".yaml");

    /// <summary>Starts a worker of a group.</summary>
    public void Start(string group, string worker)
    {
        var yaml = File(worker);
        System.IO.File.WriteAllText(yaml, $$"""
            sources:
              in:
                type: kafka
                bootstrap_servers: "{{_servers}}"
                topics: {{Audio}}
                group: {{Group(group)}}
                {{(IsNamed ? $"instance: {worker}" : "")}}
                commit_interval: {{CommitInterval}}
                delivery: {{Delivery}}
                librdkafka: {{{Member}}}
            {{Models}}
            sinks:
              out: {type: kafka, bootstrap_servers: "{{_servers}}", topic: {{Events(group)}}, records: [events, coverage] }
            """);
        var start = new ProcessStartInfo(
            "dotnet", ["exec", _program, "run", yaml])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true
        };
        var process = Process.Start(start)!;
        var said = Said.TryGetValue(worker, out var known) ? known : Said[worker] = new StringBuilder();
        process.ErrorDataReceived += (_, e) =>
        {
            lock (said)
                said.AppendLine(e.Data);
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _workers[worker] = process;
    }

    /// <summary>Ends a worker at once, with SIGKILL.</summary>
    public void Kill(string worker)
    {
        _workers.Remove(worker, out var process);
        process!.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    /// <summary>Sends a worker a signal: 2 to drain, 19 to freeze, 18 to go on.</summary>
    public void Signal(string worker, int signal) => _ = kill(_workers[worker].Id, signal);

    /// <summary>Waits for a worker to end by itself.</summary>
    public async Task EndedAsync(string worker)
    {
        _workers.Remove(worker, out var process);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process!.WaitForExitAsync(patience.Token);
        process.Dispose();
    }

    /// <summary>Starts workers again that have ended, until asked to stop; how often it did.</summary>
    public async Task<int> SuperviseAsync(string group, CancellationToken stop)
    {
        var starts = 0;
        while (!stop.IsCancellationRequested)
        {
            await Task.Delay(200, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var (worker, process) in _workers.ToList())
            {
                if (stop.IsCancellationRequested || !process.HasExited)
                    continue;
                Console.WriteLine($"  {worker} ended with {process.ExitCode}");
                process.Dispose();
                starts++;
                Start(group, worker);
            }
        }

        return starts;
    }

    /// <summary>Records of sound that a group has committed, over all partitions.</summary>
    public async Task<long> CommittedAsync(string group) => (await LagAsync(group)).Sum(l => l.Committed ?? 0);

    /// <summary>How far a group is.</summary>
    public Task<IReadOnlyList<PartitionLag>> LagAsync(string group) =>
        KafkaTools.LagAsync(new KafkaAccess(_servers, new Dictionary<string, string>()), Group(group), [Audio]);

    /// <summary>Waits until a group has committed more than before.</summary>
    public async Task GrowsAsync(string group, long before, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (await CommittedAsync(group) <= before)
        {
            if (clock.Elapsed > patience)
                throw new TimeoutException($"group {group} has committed nothing more for {patience.TotalSeconds:0} s: "
                    + $"{string.Join("; ", Said.Select(s => $"{s.Key}: {s.Value}"))}");
            await Task.Delay(100);
        }
    }

    /// <summary>Waits until a group has committed all that was fed.</summary>
    public async Task DoneAsync(string group, TimeSpan patience)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < patience)
        {
            var lags = await LagAsync(group);
            if (lags.All(l => l.Lag == 0 && (l.Committed is not null || l.End == 0)))
                return;
            await Task.Delay(500);
        }

        throw new TimeoutException(
            $"group {group} has not committed all of it after {patience}: {string.Join("; ", Said.Select(s => $"{s.Key}: {s.Value}"))}");
    }

    /// <summary>
    /// Worker w1 is killed with SIGKILL so many times, 1.5 to 6.5 s after each start, while streams flow at half of real time; then it goes
    /// on to the end.
    /// </summary>
    public async Task KillAgainAndAgainAsync(int turns, int streams, double seconds, int seed)
    {
        var random = new Random(seed);
        var feeding = FeedAsync(streams, seconds, pace: 0.5);
        for (var i = 0; i < turns; i++)
        {
            Start("live", "w1");
            await Task.Delay(random.Next(1500, 6500));
            Kill("w1");
        }

        Start("live", "w1");
        await feeding;
    }

    /// <summary>Three workers begin, one more comes, one drains; others are frozen, each for a time, and go on.</summary>
    /// <param name="streams">Streams, at real time.</param>
    /// <param name="seconds">For how long they sound.</param>
    /// <param name="settle">What a change is given before the next one.</param>
    /// <param name="frozen">Those that are frozen, one after another, for so many seconds each.</param>
    public async Task ComeGoAndFreezeAsync(int streams, double seconds, TimeSpan settle, params (string Worker, int Seconds)[] frozen)
    {
        var feeding = FeedAsync(streams, seconds, pace: 1);
        foreach (var worker in (string[])["w1", "w2", "w3"])
            Start("live", worker);
        await Task.Delay(settle);
        Start("live", "w4");
        await Task.Delay(settle);
        Signal("w1", 2);
        await EndedAsync("w1");
        foreach (var (worker, time) in frozen)
        {
            await Task.Delay(3_000);
            Signal(worker, 19);
            await Task.Delay(time * 1000);
            Signal(worker, 18);
        }

        await feeding;
    }

    /// <summary>Waits for the end, runs a worker that nobody disturbs, and reads what both have published.</summary>
    public async Task<(SortedDictionary<string, List<string>> Calm, SortedDictionary<string, List<string>> Live)> CompareAsync(
        TimeSpan patience)
    {
        await DoneAsync("live", patience);
        Start("calm", "calm");
        await DoneAsync("calm", patience);
        return (Read("calm"), Read("live"));
    }

    /// <summary>What a reader of committed records sees of each stream, in their order: identifiers and data.</summary>
    public SortedDictionary<string, List<string>> Read(string group)
    {
        var seen = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        KafkaTools.Tail(
            new KafkaAccess(_servers, new Dictionary<string, string>()), Events(group), isFromBeginning: true, untilEnd: true,
            (_, _, stream, data) =>
        {
            if (!seen.TryGetValue(stream, out var list))
                seen[stream] = list = [];
            list.Add(data!.Value.GetRawText());
        }, CancellationToken.None);
        return seen;
    }

    public ValueTask DisposeAsync()
    {
        foreach (var worker in _workers.Keys.ToList())
            Kill(worker);
        _producer.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);
}
