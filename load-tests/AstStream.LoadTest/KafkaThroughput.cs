using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Producing;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.LoadTest;

/// <summary>How fast sound is read from Kafka and events are written to it, on a cluster that is there.</summary>
internal static partial class KafkaThroughput
{
    private const int Partitions = 4;
    private const int Streams = 64;
    private const int Record = 32_768; // bytes

    /// <summary>
    /// Records of sound to decoded blocks, as often as asked, and in turns with another program that reads the same topic.
    /// </summary>
    public static async Task IngestAsync(string servers, int megabytes, int turns, string? peer)
    {
        var records = (int)(megabytes * 1_000_000L / Record);
        var topic = $"throughput-{records}"; // one that holds so many is used again
        Fill(servers, topic, records);
        Scenarios.Print($"ingest: {records} records of {Record} bytes, s16le, {Streams} streams, {Partitions} partitions");
        var (ours, theirs) = (new List<double>(), new List<double>());
        for (var turn = 0; turn <= turns; turn++)
        {
            if (peer is not null)
                theirs.Add(Peer(peer, servers, topic, records));
            ours.Add(await ReadAsync(servers, topic, records));
            if (turn > 0)
                continue;
            Scenarios.Print("  (to warm up)");
            theirs.Clear();
            ours.Clear();
        }

        Scenarios.Print(
            $"median: aststream {Median(ours):0} MB/s"
                + (peer is null
                    ? ""
                    : $", librdkafka's {Median(theirs):0} MB/s; turn by turn {Median([.. ours.Zip(theirs, (o, t) => o / t)]):P0} of it"));
    }

    /// <summary>Events as fast as they are taken.</summary>
    public static async Task PublishAsync(string servers, int events)
    {
        await using var sink = new KafkaEventSink(new KafkaEventSettings(
            KafkaAccess.To(servers), "throughput-events", IsBinary: false, "aststream", ["opened", "closed"], 32_000_000, Schemas: null));
        await sink.OpenAsync(CancellationToken.None);
        var streams = Enumerable.Range(0, Streams).Select(i => new StreamInfo($"stream-{i}", "kafka", DateTimeOffset.UnixEpoch)).ToArray();
        var identity = new ModelIdentity("0123456789abcdef", "float16", "CUDA");
        for (var turn = 0; turn < 4; turn++)
        {
            var usage = new Usage();
            for (var i = 0; i < events; i++)
            {
                var onset = i * 0.5;
                var e = new SoundEvent(
                    $"{i:x16}", EventState.Closed, streams[i % Streams], "ast", "dog bark", onset, onset + 0.4, 0.912f,
                    0.8f)
                { HeardBy = identity };
                await sink.WriteAsync(e, CancellationToken.None);
            }

            await sink.FlushAsync(CancellationToken.None);
            if (turn > 0)
                Scenarios.Print($"publish: {usage.Of(events, "event")}");
        }
    }

    private static async Task<double> ReadAsync(string servers, string topic, int records)
    {
        var lane = new Edge<AudioBlock>("lane", 1024);
        lane.AddWriter("source");
        var options = new KafkaSourceOptions
        {
            Access = KafkaAccess.To(servers),
            Topics = [topic],
            Group = $"throughput-{Guid.NewGuid():N}",
            StateTopic = "throughput-state",
        };
        using var report = new RunReport();
        using var stop = new CancellationTokenSource();
        var source = new KafkaSource(options, new KafkaDelivery("auto", [new KafkaCluster(options.Access)])); // exactly once
        var time = TimeProvider.System;
        var output = new SourceOutput("in", _ => new LaneInput(lane, time), isLive: false, 0, 1, time, report);
        var running = Task.Run(() => source.RunAsync(output, stop.Token, CancellationToken.None));
        Usage? cost = null;
        long bytes = 0;
        var numbers = new Dictionary<StreamInfo, long>();
        for (var taken = 0; taken < records && await lane.WaitToReadAsync();)
        {
            cost ??= new Usage();
            while (taken < records && lane.TryRead(out var block))
            {
                // As a model does that needs nothing of it any more: the records are let go.
                if (block.Kind == MessageKind.Data)
                {
                    taken++;
                    bytes += block.Samples.Length * 2L;
                    block.Stream.Models = ["m"];
                    var number = CollectionsMarshal.GetValueRefOrAddDefault(numbers, block.Stream, out _) += 1;
                    if (number % 16 == 0)
                        block.Stream.Delivery!.Complete(
                            new StreamCheckpoint(
                            block.Stream, "m", number, [], block.Start + block.Samples.Length, block.SampleRate, false));
                }

                block.Return();
            }
        }

        var rate = bytes / 1e6 / cost!.Seconds;
        Scenarios.Print($"  aststream:    {rate,6:0} MB/s; {cost.Of(records, "record")}");
        await stop.CancelAsync();
        while (!running.IsCompleted)
        {
            if (lane.TryRead(out var block))
                block.Return();
            else
                await Task.Delay(1);
        }

        await running;
        return rate;
    }

    /// <summary>librdkafka's rdkafka_performance, which reads the topic and decodes nothing.</summary>
    private static double Peer(string program, string servers, string topic, int records)
    {
        var start = new ProcessStartInfo(
            program, ["-G", $"peer-{Guid.NewGuid():N}", "-t", topic, "-b", servers, "-c", records.ToString(CultureInfo.InvariantCulture),
            "-q", "-X", "enable.auto.commit=false"])
        { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var (said, _) = (process.StandardOutput.ReadToEnd(), process.StandardError.ReadToEnd());
        process.WaitForExit();
        var rate = double.Parse(Rate().Match(said).Groups[1].Value, CultureInfo.InvariantCulture);
        Scenarios.Print($"  librdkafka's: {rate,6:0} MB/s");
        return rate;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    [GeneratedRegex(@"\(([\d.]+) MB/s\)")]
    private static partial Regex Rate();

    private static void Fill(string servers, string topic, int records)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = servers }).Build();
        if (admin.GetMetadata(TimeSpan.FromSeconds(10)).Topics.Any(t => t.Topic == topic))
            return;
        admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = Partitions }]).GetAwaiter().GetResult();
        using var producer = new ProducerBuilder<string, byte[]>(
            new ProducerConfig { BootstrapServers = servers, EnableIdempotence = true, LingerMs = 20 }).Build();
        var random = new Random(1);
        var value = new byte[Record];
        random.NextBytes(value);
        for (var i = 0; i < records; i++)
        {
            var first = (long)(i / Streams) * (Record / 2);
            var block = new BlockFormat(
                BlockEncoding.Raw, new PcmFormat(PcmEncoding.S16, 16_000, 1), first, DateTimeOffset.UnixEpoch.AddSeconds(first / 16_000.0),
                "1");
            while (true)
            {
                try
                {
                    producer.Produce(
                        topic, new Message<string, byte[]> { Key = $"stream-{i % Streams}", Value = value, Headers = block.ToHeaders() });
                    break;
                }
                catch (ProduceException<string, byte[]> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(50));
                }
            }
        }

        producer.Flush(TimeSpan.FromMinutes(5));
    }
}
