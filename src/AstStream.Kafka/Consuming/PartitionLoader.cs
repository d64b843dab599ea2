using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>Finds out where to go on with partitions that were assigned, and makes the topics that are needed for that.</summary>
internal sealed class PartitionLoader(
    KafkaSourceOptions options, KafkaCluster cluster, KafkaLog log, SourceOutput output, SourceHealth health)
{
    private static readonly TimeSpan s_longestBackoff = TimeSpan.FromSeconds(30);

    private readonly HashSet<string> _said = new(StringComparer.Ordinal); // topics with one partition
    private volatile bool _isStateTopicThere;

    /// <summary>
    /// Reads the partitions' states, again and again where that fails. null where nobody needs them any more: others may give partitions
    /// up meanwhile, and they may be somebody else's by then.
    /// </summary>
    public async Task<Dictionary<TopicPartition, PartitionState>?> LoadAsync(
        IReadOnlyList<PartitionLease> leases, CancellationToken over)
    {
        for (var tries = 0; !over.IsCancellationRequested && leases.Any(l => !l.IsEnded); tries++)
        {
            try
            {
                if (!_isStateTopicThere)
                {
                    var partitions = leases.Max(l => l.Partition.Partition.Value) + 1;
                    var problem = await OnThreadAsync(() => log.EnsureTopicsAsync(
                        options.StateTopic, partitions, options.Topics.Select(options.LetterTopic))).Unwrap().ConfigureAwait(false);
                    if (problem is not null)
                        output.Warn(cluster.Describe(problem));
                    _isStateTopicThere = true;
                    foreach (var topic in options.Topics.Where(t => log.HasOnePartition(t) && _said.Add(t)))
                        output.Note(KafkaTopics.OnePartition(topic));
                }

                return await OnThreadAsync(() => log.Load([.. leases.Select(l => l.Partition)], options.StateTopic, over))
                    .ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return null;
            }
            catch (Exception e)
            {
                _isStateTopicThere = false;
                health.Become(SourceState.Away, $"where to go on can't be read: {cluster.Describe(e)}");
                await Task.Delay(Backoff(tries), over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return null;
    }

    /// <summary>How long is waited after so many tries that have failed, with jitter.</summary>
    public static TimeSpan Backoff(int tries) =>
        TimeSpan.FromSeconds(
        Math.Min(s_longestBackoff.TotalSeconds, 0.5 * Math.Pow(2, Math.Min(tries, 10)) * (0.5 + Random.Shared.NextDouble())));

    /// <summary>Librdkafka's calls wait for brokers: they get a thread of their own.</summary>
    private static Task<T> OnThreadAsync<T>(Func<T> call) =>
        Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
