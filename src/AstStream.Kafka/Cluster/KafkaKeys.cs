using AstStream.Streaming.Definitions;
using Confluent.Kafka;

namespace AstStream.Kafka.Cluster;

/// <summary>The keys that say how a cluster is reached.</summary>
internal static class KafkaKeys
{
    public static readonly Key<string?> Servers = Keys.Text(
        "bootstrap_servers", "The cluster's first servers, HOST:PORT, several with commas.", required: true);
    public static readonly Key<IReadOnlyDictionary<string, string>?> Settings = Keys.Mapping("librdkafka", "librdkafka's own settings, "
        + "passed on as they are: security.protocol, sasl.username, compression.type… A secret is best not written here: ${env:NAME} "
        + "stands for an environment variable, ${file:PATH} for what is in a small file. Settings that load libraries are refused.");
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
        ["transactional.id"] = null,
        ["transaction.timeout.ms"] = null,
    };

    // What loads other people's code into this process.
    private static readonly HashSet<string> s_foreign = new(
        ["plugin.library.paths", "ssl.engine.location", "ssl.providers"], StringComparer.Ordinal);

    // What runs a program as soon as a client is made: not to be done by who only checks.
    private static readonly HashSet<string> s_notWhenChecking = new(["sasl.kerberos.kinit.cmd"], StringComparer.Ordinal);

    /// <summary>Reads a section; notes what is wrong with it.</summary>
    /// <param name="section">The section.</param>
    /// <param name="reads">Whether it is read from: a consumer's settings are checked too.</param>
    public static KafkaAccess Read(SectionReader section, bool reads = false)
    {
        var access = new KafkaAccess(section.Get(Servers) ?? "", Taken(section));
        Check(section, access, reads);
        return access;
    }

    /// <summary>The settings that may be given.</summary>
    private static Dictionary<string, string> Taken(SectionReader section)
    {
        var taken = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in section.Get(Settings) ?? new Dictionary<string, string>())
        {
            if (s_own.TryGetValue(name, out var key))
                section.Problem(Settings, $"{name} can't be set here{(key is null ? ": delivery depends on it" : $"; '{key}' does")}");
            else if (s_foreign.Contains(name))
                section.Problem(
                    Settings, $"{name} can't be set here: it loads a library into this process, and a definition may come from anywhere");
            else
                taken[name] = value;
        }

        return taken;
    }

    /// <summary>
    /// Lets librdkafka look at the settings: it knows their names and ranges. Nothing is connected to, and no program is run.
    /// </summary>
    private static void Check(SectionReader section, KafkaAccess access, bool reads)
    {
        T Checked<T>(T config)
            where T : ClientConfig
        {
            foreach (var (name, value) in access.Settings.Where(x => !s_notWhenChecking.Contains(x.Key)))
                config.Set(name, value);
            return config;
        }

        try
        {
            if (reads)
                new ConsumerBuilder<Ignore, Ignore>(
                    Checked(new ConsumerConfig { GroupId = "check" })).SetLogHandler(static (_, _) => { }).Build().Dispose();
            else if (access.Settings.Count > 0)
                new ProducerBuilder<Null, Null>(Checked(new ProducerConfig())).SetLogHandler(static (_, _) => { }).Build().Dispose();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            section.Problem(Settings, new KafkaCluster(access).Describe(e.Message));
        }
    }
}
