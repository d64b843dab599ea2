using AstStream.Kafka.Cluster;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Kafka.Producing;

/// <summary>The type `kafka` of sinks: for events, scores and coverage, or for sound, as its records say.</summary>
internal static class KafkaSink
{
    private const string Binary = "binary";

    internal static readonly Key<string?> Topic = Keys.Text("topic", "The topic; the key of a message is the stream.", required: true);
    internal static readonly Key<string> Format = Keys.Choice(
        "format", "CloudEvents 1.0: structured (the default), all in the value as JSON; binary, attributes in headers and the data in "
            + "the value.", "structured", "structured", Binary);
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices(
        "states", "Which states of events are published: opened and closed (the default), or one of them.", ["opened", "closed"], "opened",
        "closed");
    internal static readonly Key<string?> EventSource = Keys.Text(
        "event_source", "The CloudEvents attribute source, a URI that tells this pipeline from others; aststream by default.");
    internal static readonly Key<IReadOnlyDictionary<string, string>?> Registry = Keys.Mapping(
        "schema_registry", "A Confluent Schema Registry: url, and other settings of its client by their own names, such as "
            + "basic.auth.user.info: ${file:PATH}. Values begin with the number of their JSON Schema then, as Confluent's readers expect; "
            + "format: binary is needed.");
    internal static readonly Key<string> Subjects = Keys.Choice(
        "schema_subjects", "What a schema's subject is named after: topic (the default, TOPIC-value; for sinks of one kind of record), "
            + "record (aststream.event.v1) or topic_record (TOPIC-aststream.event.v1).", SchemaOptions.ByTopic, SchemaOptions.ByTopic,
        SchemaOptions.ByRecord, SchemaOptions.ByBoth);
    internal static readonly Key<bool> Registers = Keys.Flag(
        "register_schemas", "Whether schemas are registered that the registry does not have; true by default.", fallback: true);
    internal static readonly Key<long?> BufferMemory = Keys.Size(
        "buffer_memory", "Messages that may wait for the brokers before everything before the sink waits; 32MB by default.", 1_000_000,
        2_000_000_000);
    internal static readonly Key<string> Encoding = Keys.Choice(
        "encoding", "How sound is written: s16le (the default) or f32le.", "s16le", "s16le", "f32le");
    internal static readonly Key<TimeSpan?> Block = Keys.Duration(
        "block", "How much sound one record holds; 250ms by default.", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10));
    internal static readonly Key<string?> Spool = Keys.Text(
        "spool", "A file in which sound waits that the brokers do not have after two seconds, or when buffer_memory is full, also while "
            + "the program is down; relative to this file. By default there is none: what comes before the sink waits, and live sources "
            + "lose sound, which is counted.");
    internal static readonly Key<long?> SpoolSize = Keys.Size(
        "spool_size", "How much sound may wait there; the oldest goes when there is more. 1GB by default.", 1_000_000, 10_000_000_000_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "kafka", "Publishes events, scores and coverage to a Kafka topic as CloudEvents, or sound as docs/wire-format.md says.",
            [
                .. KafkaKeys.All, Topic, Format, States, EventSource, Registry, Subjects, Registers, BufferMemory, Encoding, Block, Spool,
                SpoolSize,
            ], Read)
    {
        Records = ["events", "coverage", "scores", "audio"],
    };

    private static SinkSettings Read(SectionReader section, SinkOptions options)
    {
        var access = KafkaKeys.Read(section);
        var topic = section.Get(Topic) ?? "";
        var memory = section.Get(BufferMemory) ?? 32_000_000;
        return options.Audio ? ReadAudio(section, options, access, topic, memory) : ReadEvents(section, options, access, topic, memory);
    }

    private static KafkaEventSettings ReadEvents(
        SectionReader section, SinkOptions options, KafkaAccess access, string topic, long memory)
    {
        foreach (var key in (Key[])[Encoding, Block, Spool, SpoolSize])
        {
            if (section.Has(key))
                section.Problem(key, "is for sound; this sink takes none (records: audio)");
        }

        return new KafkaEventSettings(
            access, topic, section.Get(Format) == Binary, section.Get(EventSource) ?? "aststream", section.Get(States), memory,
            ReadSchemas(section, options));
    }

    private static SchemaOptions? ReadSchemas(SectionReader section, SinkOptions sink)
    {
        if (section.Get(Registry) is not { } given)
            return null;
        var settings = given.ToDictionary(
            s => s.Key.StartsWith(SchemaOptions.Prefix, StringComparison.Ordinal) ? s.Key : SchemaOptions.Prefix + s.Key, s => s.Value,
            StringComparer.Ordinal);
        if (!settings.TryGetValue(SchemaOptions.UrlSetting, out var url) || url.Length == 0)
        {
            section.Problem(Registry, "has no url; expected url: http://HOST:8081");
            return null;
        }

        var options = new SchemaOptions(settings, section.Get(Subjects), section.Get(Registers));
        if (options.Addresses.Count(a => a.Scheme is "http" or "https") != url.Split(',').Length)
            section.Problem(Registry, "url has an address that is no http:// or https:// one; several go with commas between");
        if (options.Addresses.Any(a => a.UserInfo.Length > 0))
            section.Problem(Registry, "url has a user in it, which messages would show; expected basic.auth.user.info: USER:PASSWORD");
        if (settings.GetValueOrDefault(SchemaOptions.RetriesSetting) == "0")
            section.Problem(Registry, "max.retries is 0; expected at least 1, as the first try counts");
        if (section.Get(Format) != Binary)
            section.Problem(Registry, "needs format: binary: a schema is of the data, and CloudEvents' attributes go in headers then");
        var kinds = (sink.Events ? 1 : 0) + (sink.Coverage ? 1 : 0) + (sink.Scores ? 1 : 0);
        if (kinds > 1 && options.Strategy == SchemaOptions.ByTopic)
            section.Problem(
                Registry, $"one subject can't have {kinds} kinds of records; expected {Subjects.Name}: {SchemaOptions.ByBoth} or "
                    + $"{SchemaOptions.ByRecord}");
        if (SchemaRegistration.Problem(options) is { } problem)
            section.Problem(Registry, problem);
        return options;
    }

    private static KafkaAudioSettings ReadAudio(SectionReader section, SinkOptions sink, KafkaAccess access, string topic, long memory)
    {
        if (sink.Events || sink.Coverage || sink.Scores)
            section.Problem(Topic, "sound needs a topic, and so a sink, of its own; expected records: audio and nothing else");
        var options = new AudioPublisherOptions
        {
            Access = access,
            Topic = topic,
            IsFloat = section.Get(Encoding) == "f32le",
            Memory = memory,
            Spool = section.Get(Spool) is { } path ? section.ResolveLinks(path) : null
        };
        return new KafkaAudioSettings(
            options with { Block = section.Get(Block) ?? options.Block, SpoolSize = section.Get(SpoolSize) ?? options.SpoolSize });
    }
}
