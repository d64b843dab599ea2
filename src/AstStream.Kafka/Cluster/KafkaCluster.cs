using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Cluster;

/// <summary>A cluster as programs use it: makes clients, knows what the cluster calls itself, and keeps secrets out of messages.</summary>
internal sealed class KafkaCluster
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_nudge = TimeSpan.FromMilliseconds(200);

    private readonly IReadOnlyDictionary<string, string> _settings;
    private volatile string? _id;

    public KafkaCluster(KafkaAccess access) => (Name, _settings) = (access.Servers, access.Settings);

    /// <summary>Its servers as they are written.</summary>
    public string Name { get; }

    /// <summary>
    /// What the cluster calls itself, once it was asked; else its servers as they are written. Two with the same are one cluster.
    /// </summary>
    public string Identity => _id ?? Name;

    /// <summary>Whether it was asked what it calls itself.</summary>
    public bool IsIdentified => _id is not null;

    /// <summary>
    /// Makes a consumer fetch now what was just assigned or sought: librdkafka's thread of a broker looks at its partitions when it has
    /// something to do, else once a second. False where the broker did not answer.
    /// </summary>
    public static bool Nudge<TKey, TValue>(IConsumer<TKey, TValue> consumer, TopicPartition partition)
    {
        try
        {
            consumer.QueryWatermarkOffsets(partition, s_nudge);
            return true;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    /// <summary>Asks the cluster what it calls itself.</summary>
    /// <exception cref="KafkaException">It does not answer.</exception>
    public async Task IdentifyAsync()
    {
        if (_id is not null)
            return;
        using var admin = Admin();
        var answer = await admin.DescribeClusterAsync(
            new DescribeClusterOptions { RequestTimeout = s_patience }).WaitAsync(2 * s_patience).ConfigureAwait(false);
        _id = string.IsNullOrEmpty(answer.ClusterId) ? Name : answer.ClusterId;
    }

    /// <summary>A client's settings: this program's own first, and what the user says over them.</summary>
    public T Configure<T>(T config)
        where T : ClientConfig
    {
        config.BootstrapServers = Name;
        config.ClientId ??= "aststream";
        foreach (var (name, value) in _settings)
            config.Set(name, value);
        return config;
    }

    /// <summary>A producer; what librdkafka would log is said by whoever uses it.</summary>
    public IProducer<TKey, TValue> Producer<TKey, TValue>(ProducerConfig config) =>
        new ProducerBuilder<TKey, TValue>(Configure(config))
            .SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>A consumer, in the same way.</summary>
    public IConsumer<TKey, TValue> Consumer<TKey, TValue>(ConsumerConfig config) =>
        new ConsumerBuilder<TKey, TValue>(Configure(config))
            .SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>A client that asks about the cluster, in the same way.</summary>
    public IAdminClient Admin() =>
        new AdminClientBuilder(Configure(new AdminClientConfig()))
            .SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>What librdkafka says, without the values of its settings; where a right is missing, which one.</summary>
    public string Describe(Error error) => WithHint(error.Reason, error.Code);

    /// <summary>The same of an exception of its.</summary>
    public string Describe(Exception e) => e is KafkaException { Error: { } error } ? WithHint(e.Message, error.Code) : Describe(e.Message);

    private string WithHint(string message, ErrorCode code)
    {
        var hint = KafkaRights.Hint(code);
        return (hint.Length > 0 ? Describe(message).TrimEnd('.') : Describe(message)) + hint;
    }

    /// <summary>A text without the values of secret settings.</summary>
    public string Describe(string text)
    {
        foreach (var (name, value) in _settings)
        {
            if (value.Length > 0
                && (name.Contains("password", StringComparison.Ordinal) || name.Contains("secret", StringComparison.Ordinal)
                || name.Contains("key", StringComparison.Ordinal)))
                text = text.Replace(value, "***", StringComparison.Ordinal);
        }

        return Printable.Text(text.ReplaceLineEndings(" "));
    }
}
