using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Cluster;

/// <summary>How a cluster is reached: its servers, and librdkafka's own settings, which may hold secrets.</summary>
internal sealed class KafkaCluster
{
    public static readonly Key<string?> Servers = Keys.Text(
        "bootstrap_servers", "The cluster's first servers, HOST:PORT, several with commas.", required: true);
    public static readonly Key<IReadOnlyDictionary<string, string>?> Settings = Keys.Mapping("librdkafka", "librdkafka's own settings, "
        + "passed on as they are: security.protocol, sasl.username, compression.type… A secret is best not written here: ${env:NAME} "
        + "stands for an environment variable, ${file:PATH} for what is in a small file. Settings that load libraries are refused.");
    public static readonly Key[] All = [Servers, Settings];

    // What this program sets itself; the value says by what key, if by any.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_nudge = TimeSpan.FromMilliseconds(200);

    private static readonly Dictionary<string, string?> s_own = new(StringComparer.Ordinal)
    {
        ["bootstrap.servers"] = "bootstrap_servers",
        ["metadata.broker.list"] = "bootstrap_servers",
        ["group.id"] = "group",
        ["group.instance.id"] = "instance",
        ["auto.offset.reset"] = "start_at",
        ["enable.auto.commit"] = null,
        ["enable.auto.offset.store"] = null,
        ["enable.partition.eof"] = null,
        ["enable.idempotence"] = null,
        ["isolation.level"] = null,
        ["partition.assignment.strategy"] = null,
        ["group.protocol"] = null,
        ["transactional.id"] = null,
        ["transaction.timeout.ms"] = null,
    };

    // What loads other people's code into this process.
    private static readonly HashSet<string> s_foreign = new(
        ["plugin.library.paths", "ssl.engine.location", "ssl.providers"], StringComparer.Ordinal);

    // What runs a program as soon as a client is made: not to be done by who only checks.
    private static readonly HashSet<string> s_notWhenChecking = new(["sasl.kerberos.kinit.cmd"], StringComparer.Ordinal);

    private readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal);
    private volatile string? _id;

    private KafkaCluster(string servers) => Name = servers;

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

    /// <summary>Reads a section; notes what is wrong with it.</summary>
    /// <param name="section">The section.</param>
    /// <param name="reads">Whether it is read from: a consumer's settings are checked too.</param>
    public static KafkaCluster Read(SectionReader section, bool reads = false)
    {
        var cluster = new KafkaCluster(section.Get(Servers) ?? "");
        foreach (var (name, value) in section.Get(Settings) ?? new Dictionary<string, string>())
        {
            if (s_own.TryGetValue(name, out var key))
                section.Problem(Settings, $"{name} can't be set here{(key is null ? ": delivery depends on it" : $"; '{key}' does")}");
            else if (s_foreign.Contains(name))
                section.Problem(
                    Settings, $"{name} can't be set here: it loads a library into this process, and a definition may come from anywhere");
            else
                cluster._settings[name] = value;
        }

        cluster.Check(section, reads);
        return cluster;
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

    /// <summary>Made from values, for programs.</summary>
    public static KafkaCluster Of(string servers, IEnumerable<KeyValuePair<string, string>>? settings = null)
    {
        var cluster = new KafkaCluster(servers);
        foreach (var (name, value) in settings ?? [])
            cluster._settings[name] = value;
        return cluster;
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

    /// <summary>
    /// Lets librdkafka look at the settings: it knows their names and ranges. Nothing is connected to, and no program is run.
    /// </summary>
    private void Check(SectionReader section, bool reads)
    {
        T Checked<T>(T config)
            where T : ClientConfig
        {
            foreach (var (name, value) in _settings.Where(x => !s_notWhenChecking.Contains(x.Key)))
                config.Set(name, value);
            return config;
        }

        try
        {
            if (reads)
                new ConsumerBuilder<Ignore, Ignore>(
                    Checked(new ConsumerConfig { GroupId = "check" })).SetLogHandler(static (_, _) => { }).Build().Dispose();
            else if (_settings.Count > 0)
                new ProducerBuilder<Null, Null>(Checked(new ProducerConfig())).SetLogHandler(static (_, _) => { }).Build().Dispose();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            section.Problem(Settings, Describe(e.Message));
        }
    }
}
