using System.Globalization;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Pipelines;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Administration;

/// <summary>The topics of a pipeline, made as docs/scale.md advises. What is there stays as it is.</summary>
public static class TopicTools
{
    private const string Compacted = "compact";
    private const string CleanupPolicy = "cleanup.policy";
    private const string Retention = "retention.ms";
    private const string LeastInSync = "min.insync.replicas";
    private const string Sound = "sound";
    private const string State = "state"; // as many partitions as sound has
    private const int UsualCopies = 3;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    /// <summary>The topics that a pipeline reads and writes, by cluster.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="partitions">Partitions of topics that workers share: twice to four times as many as workers there will ever be.</param>
    /// <param name="retention">How long sound is kept.</param>
    public static IReadOnlyList<(KafkaAccess Access, IReadOnlyList<TopicPlan> Topics)> Plan(
        Pipeline pipeline, int partitions, TimeSpan retention)
    {
        var plans = new List<(KafkaAccess Access, TopicPlan Topic)>();
        void Add(KafkaAccess access, string name, string purpose, int count, params (string Name, string Value)[] settings)
        {
            if (!plans.Exists(p => p.Access.Fingerprint == access.Fingerprint && p.Topic.Name == name))
                plans.Add((access, new TopicPlan(
                    name, purpose, count, settings.ToDictionary(s => s.Name, s => s.Value, StringComparer.Ordinal))));
        }

        var kept = (Retention, retention.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture));
        foreach (var source in pipeline.SourcesOf<KafkaSource.Settings>().Select(s => s.Options))
        {
            foreach (var topic in source.Topics)
                Add(source.Access, topic, Sound, partitions, kept);
            foreach (var letters in source.Topics.Select(source.LetterTopic))
                Add(source.Access, letters, "dead letters", 1);
            Add(source.Access, source.StateTopic, State, partitions, (CleanupPolicy, Compacted));
        }

        foreach (var sink in pipeline.SinksOf<KafkaAudioSettings>().Select(s => s.Options))
            Add(sink.Access, sink.Topic, Sound, partitions, kept);
        foreach (var sink in pipeline.SinksOf<KafkaEventSettings>())
            Add(sink.Access, sink.Topic, "events", partitions);
        return [.. plans.GroupBy(p => p.Access.Fingerprint).Select(
            g => (g.First().Access, (IReadOnlyList<TopicPlan>)[.. g.Select(p => p.Topic)]))];
    }

    /// <summary>Makes those that are missing.</summary>
    /// <param name="access">The cluster.</param>
    /// <param name="plans">What they should be.</param>
    /// <param name="replication">Copies of each; null for three, or as many as there are brokers.</param>
    /// <param name="isDry">Whether nothing is made, and it is only said what would be.</param>
    /// <exception cref="KafkaToolException">The cluster can't be asked, or does not take one.</exception>
    public static async Task<IReadOnlyList<TopicResult>> CreateAsync(
        KafkaAccess access, IReadOnlyList<TopicPlan> plans, int? replication, bool isDry)
    {
        var cluster = new KafkaCluster(access);
        try
        {
            using var admin = KafkaTools.Made(access, cluster.Admin);
            var metadata = await Task.Run(() => admin.GetMetadata(s_patience)).ConfigureAwait(false);
            var copies = replication ?? Math.Min(UsualCopies, metadata.Brokers.Count);
            var there = metadata.Topics.Where(t => t.Error.Code == ErrorCode.NoError).ToDictionary(t => t.Topic, StringComparer.Ordinal);
            var most = plans.Where(p => p.Purpose == Sound && there.ContainsKey(p.Name)).Select(p => there[p.Name].Partitions.Count)
                .DefaultIfEmpty().Max();
            plans = [.. plans.Select(p => p.Purpose == State ? p with { Partitions = Math.Max(p.Partitions, most) } : p)];
            List<TopicPlan> missing = [.. plans.Where(p => !there.ContainsKey(p.Name))];
            if (missing.Count > 0 && !isDry)
                await admin.CreateTopicsAsync(
                    missing.Select(p => Specification(p, copies)), new CreateTopicsOptions { RequestTimeout = s_patience })
                    .ConfigureAwait(false);
            return [.. plans.Select(p => there.TryGetValue(p.Name, out var found)
                ? new TopicResult(
                    p, false, found.Partitions.Count, found.Partitions.Select(r => r.Replicas.Length).DefaultIfEmpty().Min(),
                    Advice(p, found.Partitions.Count))
                : new TopicResult(p, true, p.Partitions, copies, null))];
        }
        catch (CreateTopicsException e)
        {
            var failed = e.Results.Where(r => r.Error.IsError).Select(r => $"{r.Topic}: {cluster.Describe(r.Error)}");
            throw new KafkaToolException($"{access.Servers}: {string.Join("; ", failed)}");
        }
        catch (KafkaException e)
        {
            throw new KafkaToolException($"{access.Servers}: {cluster.Describe(e)}");
        }
    }

    private static TopicSpecification Specification(TopicPlan plan, int copies)
    {
        var settings = plan.Settings.ToDictionary(s => s.Key, s => s.Value, StringComparer.Ordinal);
        if (copies >= UsualCopies)
            settings[LeastInSync] = (copies - 1).ToString(CultureInfo.InvariantCulture);
        return new TopicSpecification
        {
            Name = plan.Name,
            NumPartitions = plan.Partitions,
            ReplicationFactor = (short)copies,
            Configs = settings,
        };
    }

    private static string? Advice(TopicPlan plan, int found) => plan.Partitions == 1 || found >= plan.Partitions ? null
        : $"fewer than {plan.Partitions}: at most {found} workers share it; kafka-topics --alter adds some, and streams start over then";
}
