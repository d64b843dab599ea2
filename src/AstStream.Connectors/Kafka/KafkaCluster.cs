using AstStream.Streaming.Pipelines;
using Confluent.Kafka;

namespace AstStream.Connectors.Kafka;

/// <summary>How a cluster is reached: its servers, and librdkafka's own settings, which may hold secrets.</summary>
internal sealed class KafkaCluster
{
    public static readonly Key<string?> Servers = Keys.Text("bootstrap_servers", "The cluster's first servers, HOST:PORT, several with commas.", required: true);
    public static readonly Key<IReadOnlyDictionary<string, string>?> Settings = Keys.Mapping("librdkafka", "librdkafka's own settings, passed on as they are: security.protocol, sasl.username, compression.type… A secret is best not written here: ${env:NAME} stands for an environment variable, ${file:PATH} for a file's first line.");
    public static readonly Key[] All = [Servers, Settings];

    // What this program sets itself; the value says by what key, if by any.
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

    private readonly Dictionary<string, string> _settings = new(StringComparer.Ordinal);

    private KafkaCluster(string servers) => Name = servers;

    /// <summary>Its servers as they are written; two that are written alike are one.</summary>
    public string Name { get; }

    /// <summary>Reads a section; notes what is wrong with it.</summary>
    public static KafkaCluster Read(SectionReader section)
    {
        var cluster = new KafkaCluster(section.Get(Servers) ?? "");
        foreach (var (name, value) in section.Get(Settings) ?? new Dictionary<string, string>())
        {
            if (s_own.TryGetValue(name, out var key))
                section.Problem(Settings, $"{name} can't be set here{(key is null ? ": delivery depends on it" : $"; '{key}' does")}");
            else if (Secret(section, name, value) is { } known)
                cluster._settings[name] = known;
        }

        cluster.Check(section);
        return cluster;
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
        new ProducerBuilder<TKey, TValue>(Configure(config)).SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>A consumer, in the same way.</summary>
    public IConsumer<TKey, TValue> Consumer<TKey, TValue>(ConsumerConfig config) =>
        new ConsumerBuilder<TKey, TValue>(Configure(config)).SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>A client that asks about the cluster, in the same way.</summary>
    public IAdminClient Admin() =>
        new AdminClientBuilder(Configure(new AdminClientConfig())).SetErrorHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>What librdkafka says, without the values of its settings.</summary>
    public string Describe(Error error) => Describe(error.Reason);

    /// <summary>A text without the values of secret settings.</summary>
    public string Describe(string text)
    {
        foreach (var (name, value) in _settings)
        {
            if (value.Length > 0 && (name.Contains("password", StringComparison.Ordinal) || name.Contains("secret", StringComparison.Ordinal) || name.Contains("key", StringComparison.Ordinal)))
                text = text.Replace(value, "***", StringComparison.Ordinal);
        }

        return Printable.Text(text.ReplaceLineEndings(" "));
    }

    private static string? Secret(SectionReader section, string name, string value)
    {
        if (!value.StartsWith("${", StringComparison.Ordinal) || !value.EndsWith('}'))
            return value;
        var (kind, what) = value[2..^1].Split(':', 2) is [var k, var w] ? (k, w) : ("", "");
        switch (kind)
        {
            case "env" when Environment.GetEnvironmentVariable(what) is { } known:
                return known;
            case "env":
                section.Problem(Settings, $"{name}: the environment has no {what}");
                return null;
            case "file":
                try
                {
                    return File.ReadLines(section.Resolve(what)).FirstOrDefault() ?? "";
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    section.Problem(Settings, $"{name}: {section.Resolve(what)} can't be read: {e.Message}");
                    return null;
                }

            default:
                section.Problem(Settings, $"{name}: found '${{{kind}…}}'; expected ${{env:NAME}} or ${{file:PATH}}");
                return null;
        }
    }

    /// <summary>Lets librdkafka look at the settings: it knows their names and ranges.</summary>
    private void Check(SectionReader section)
    {
        if (_settings.Count == 0)
            return;
        try
        {
            Producer<Null, Null>(new ProducerConfig()).Dispose();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            section.Problem(Settings, Describe(e.Message));
        }
    }
}
