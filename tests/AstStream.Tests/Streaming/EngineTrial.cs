using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>The whole graph between sources and sinks of the tests' own, with simulated sessions.</summary>
public abstract class EngineTrial
{
    private static readonly WindowOptions s_window = new(32, 8, 128) { MaxHopFrames = 8 }; // a busy machine must not stretch it

    private protected static async Task<Result> RunAsync(
        Script[] streams, bool isLive, int sessions, int lanes, Action<int>? run = null, int blocks = 100_000,
            CancellationToken cancellation = default, int slots = 2, TimeSpan maxQueueDelay = default,
            Func<bool, IModelSession>? open = null)
    {
        using var report = new RunReport();
        var time = TimeProvider.System;
        var batching = new BatchOptions { MaxAge = TimeSpan.FromHours(1), MaxQueueDelay = maxQueueDelay };
        var scheduler = new WindowScheduler("m", s_window, batching, time, report);
        var edges = Enumerable.Range(0, lanes).Select(i => new Edge<AudioBlock>($"lane {i}", isLive ? blocks : 4)).ToArray();
        var nodes = new List<Node>();
        foreach (var (stream, i) in streams.Select((s, i) => (s, i)))
        {
            var source = new ScriptSource(stream, isLive);
            var output = new SourceOutput(stream.Id, _ => new LaneInput(edges[i % lanes], time), isLive, 0, 1, time, report);
            var node = new SourceNode(stream.Id, "script", source, output, report, CancellationToken.None);
            foreach (var edge in edges)
                node.WritesTo(edge);
            nodes.Add(node);
        }

        nodes.AddRange(edges.Select(e => new LaneNode(e.To, e, [scheduler], isLive, report)));
        for (var i = 0; i < sessions; i++)
            nodes.Add(new SessionNode(
                $"m/{i}", scheduler, open ?? (_ => new SimulatedSession(5, 4, slots, run)), "simulated", time, report,
                TimeSpan.FromTicks(1)));
        var records = new Edge<StreamRecord>("sink", 4);
        var thresholds = Enumerable.Repeat(0.5f, 5).ToArray();
        var options = new EventOptions { Thresholds = thresholds, ReleaseThresholds = thresholds, MedianWindows = 3, HopLength = 8 * 160 };
        nodes.Add(new DecodeNode(
            "events", scheduler, new DecodeOptions(new Vocabulary(["a", "b", "c", "d", "e"]), options, "hash"),
            records, report));
        var sink = new Memory();
        nodes.Add(new SinkNode("sink", records, sink, new SinkOptions { Coverage = true }, time, report));
        await new DataflowGraph(nodes).RunAsync(cancellation);
        return new Result(report, sink.Records, sink.Coverage);
    }

    private protected sealed record Result(
        RunReport Report, IReadOnlyDictionary<string, List<string>> Records, IReadOnlyDictionary<string, List<CoverageInterval>> Coverage);

    /// <summary>What a stream does: so many samples of noise in blocks; a gap of 7,777 samples; or something that it must not do.</summary>
    private protected sealed record Script(
        string Id, int Seed, int Length, int BlockLength, int Rate = 16_000, int GapAt = 0, bool BreaksRules = false, int ThrowsAt = 0)
    {
        public const int Gap = 7_777;

        public ManualResetEventSlim? Done { get; init; }

        /// <summary>With the gap, where a block ends after its place and before the end.</summary>
        public long TotalLength => Length + (GapAt > 0 && (GapAt + BlockLength - 1) / BlockLength * BlockLength < Length ? Gap : 0);
    }

    private protected sealed class ScriptSource(Script script, bool isLive) : IAudioSource
    {
        public string Description => "script";

        public bool IsLive => isLive;

        public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
        {
            var stream = new StreamInfo(script.Id, output.Source);
            var noise = OnlineFbankTests.Noise(Math.Max(1, script.Length), script.Seed);
            long position = 0;
            var hasGap = false;
            for (var sent = 0; sent < script.Length;)
            {
                if (script.ThrowsAt > 0 && sent >= script.ThrowsAt)
                    throw new IOException("cable cut");
                if (!hasGap && script.GapAt > 0 && script.GapAt < script.Length && sent >= script.GapAt)
                {
                    hasGap = true;
                    position += Script.Gap;
                    await output.SkipAsync(stream, script.Rate, position, LossReason.Gap, cancellation);
                }

                var length = Math.Min(script.BlockLength, script.Length - sent);
                var jump = script.BreaksRules && sent > 0 ? 1_000_000 : 0;
                var block = AudioBlock.Rent(stream, position + jump, script.Rate, length);
                noise.AsSpan(sent, length).CopyTo(block.Samples);
                await output.WriteAsync(block, cancellation);
                sent += length;
                position += length;
            }

            script.Done?.Set();
            await output.EndAsync(stream, script.Rate, position, cancellation);
        }
    }

    private protected sealed class Memory : ISink
    {
        public ConcurrentDictionary<string, List<string>> Records { get; } = [];

        public ConcurrentDictionary<string, List<CoverageInterval>> Coverage { get; } = [];

        public string Description => "memory";

        public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            if (record is CoverageInterval interval)
                Coverage.GetOrAdd(record.Stream.Id, _ => []).Add(interval);
            else
                Records.GetOrAdd(record.Stream.Id, _ => []).Add(record.ToString()!);
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
