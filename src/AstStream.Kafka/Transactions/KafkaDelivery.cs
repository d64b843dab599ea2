using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>Which guarantee a source gives: decided when it begins, as only the clusters themselves know which of them are one.</summary>
/// <param name="asked">auto, exactly_once or at_least_once.</param>
/// <param name="sinks">The clusters that the pipeline's kafka sinks write events to.</param>
internal sealed class KafkaDelivery(string asked, IReadOnlyList<KafkaCluster> sinks)
{
    public const string Exactly = "exactly_once";
    public const string AtLeast = "at_least_once";

    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(3); // after which it is said
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(2);

    /// <summary>What holds, or on what it depends, in a few words.</summary>
    public string Description => asked == AtLeast || sinks.Count == 0 ? "at least once"
        : sinks.Any(s => s.IsIdentified) ? "delivery decided when it began (see the log)"
        : $"{(asked == Exactly ? "exactly once, refused" : "exactly once, else at least once,")} unless a kafka sink writes to the same "
            + $"cluster (asked at the start)";

    /// <summary>
    /// Decides whether delivery is exactly once, and says which holds. Null where what was asked for can't be given, which is reported, or
    /// where it is asked to stop before the clusters have answered.
    /// </summary>
    public async Task<bool?> DecideAsync(KafkaCluster cluster, SourceOutput output, SourceHealth health, CancellationToken stop)
    {
        var isExact = false;
        if (asked != AtLeast && sinks.Count > 0)
        {
            foreach (var one in sinks.Prepend(cluster))
            {
                if (!await IdentifyAsync(one, health, stop).ConfigureAwait(false))
                    return null;
            }

            isExact = sinks.Any(s => s.Identity == cluster.Identity);
        }

        if (asked == Exactly && !isExact)
        {
            output.Fail(
                $"delivery: exactly_once can't be given: {cluster.Name} is cluster {cluster.Identity}, and the kafka sinks write to "
                    + $"{string.Join(", ", sinks.Select(s => $"{s.Name} (cluster {s.Identity})"))}; write events to the same cluster, or "
                    + $"ask for at_least_once");
            return null;
        }

        KafkaMetrics.Guarantees(output.Source, isExact ? Exactly : AtLeast);
        output.Note(isExact
            ? $"delivery is exactly once: offsets, and the events of kafka sinks at {cluster.Name}, are committed in one transaction"
            : "delivery is at least once: after a crash some events come again, with the same ids");
        return isExact;
    }

    /// <summary>Asks until there is an answer; false where it is asked to stop before.</summary>
    private static async Task<bool> IdentifyAsync(KafkaCluster cluster, SourceHealth health, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                var answer = cluster.IdentifyAsync();
                await Task.WhenAny(answer, Task.Delay(s_silence, stop)).ConfigureAwait(false);
                if (!answer.IsCompleted)
                    health.Become(SourceState.Away, $"Kafka at {cluster.Name} has not answered yet");
                await answer.WaitAsync(stop).ConfigureAwait(false);
                return true;
            }
            catch (Exception e) when (e is KafkaException or TimeoutException)
            {
                health.Become(SourceState.Away, $"Kafka at {cluster.Name} does not say which cluster it is: {cluster.Describe(e)}");
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return false;
            }

            await Task.Delay(s_again, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested)
                return false;
        }
    }
}
