using AstStream.Dsp;
using AstStream.Events;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Producing;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Consuming;

/// <summary>Reads streams of sound from the partitions of topics that a group of workers share; a stream is a key.</summary>
internal sealed class KafkaSource : IAudioSource
{
    internal static readonly Key<IReadOnlyList<string>?> Topics = Keys.Texts("topics", "The topics: a name, or several.", required: true);
    internal static readonly Key<string?> Group = Keys.Text(
        "group", "The consumer group whose workers share the topics' partitions; aststream by default.");
    internal static readonly Key<string?> Instance = Keys.Text(
        "instance", "This worker's own name in the group (static membership): one that is started again under it within the session's "
            + "time-out finds its partitions as they were. Two workers must not share one.");
    internal static readonly Key<string> Delivery = Keys.Choice(
        "delivery", "exactly_once: offsets, events and states are committed in one transaction, for which a kafka sink must write to the "
            + "same cluster. at_least_once: offsets are committed when all sinks have what came before; after a crash some events come "
            + "again, with the same ids. auto, the default: exactly_once where there is such "
            + "a sink.", "auto", "auto", "exactly_once", "at_least_once");
    internal static readonly Key<string> StartAt = Keys.Choice(
        "start_at", "Where a group begins that has committed nothing yet: earliest (the default) or latest.", "earliest", "earliest",
        "latest");
    internal static readonly Key<string?> StateTopic = Keys.Text(
        "state_topic",
        "The compacted topic that holds what is needed to go on with a stream; GROUP-state by default. It is made where it is missing.");
    internal static readonly Key<string?> DeadLetterTopic = Keys.Text(
        "dead_letter_topic", "Where records go that can't be used, with the reason; TOPIC-dead-letter by default.");
    internal static readonly Key<TimeSpan?> CommitInterval = Keys.Duration(
        "commit_interval", "How often is committed, and so how late readers of committed events see them at most; 1s by default.",
        TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1));
    internal static readonly Key<TimeSpan?> Reorder = Keys.Duration(
        "reorder", "How much sound is held after a hole until the missing blocks come, or are counted as lost; 2s by default.",
        TimeSpan.Zero, TimeSpan.FromMinutes(1));
    internal static readonly Key<TimeSpan?> IdleTimeout = Keys.Duration(
        "idle_timeout",
        "When nothing comes of a stream for so long, its open events are closed and no record of it is kept any more; 1m by default.",
        TimeSpan.FromSeconds(1), TimeSpan.FromHours(24));
    internal static readonly Key<TimeSpan?> ForgetAfter = Keys.Duration(
        "forget_after",
        "When nothing comes of a stream for so long, the state topic forgets it; should it go on, it starts over there. 24h by default.",
        TimeSpan.FromMinutes(1), TimeSpan.FromDays(365));
    internal static readonly Key<string> Encoding = Keys.Choice(
        "encoding", "The encoding of records whose headers do not say it; s16le by default.", "s16le", [.. BlockFormat.Encodings.Keys]);
    internal static readonly Key<int> SampleRate = Keys.Integer(
        "sample_rate", "The sample rate of records whose headers do not say it; 16000 by default.", FbankOptions.SampleRate,
        PcmFormat.MinSampleRate, PcmFormat.MaxSampleRate);
    internal static readonly Key<int> NumChannels = Keys.Integer(
        "channels", "The channels of records whose headers do not say them; 1 by default.", 1, 1, BlockFormat.MaxChannels);
    internal static readonly Key<IReadOnlyList<string>?> CarriedHeaders = Keys.Texts(
        "carry_headers", "Headers of records that kafka sinks write to the events that are heard in them: those of the last record that "
            + "was heard when the event was decided. Of a record with more than 4 KB of them none is carried. traceparent and tracestate "
            + "by default.");
    internal static readonly Key<long?> Buffer = Keys.Size(
        "buffer", "Records that may wait for the model before partitions are paused; 16MB by default.", 100_000, 4_000_000_000);
    internal static readonly Key<long?> MaxRecord = Keys.Size(
        "max_record", "Records that are larger are not used; 16MB by default.", 1_000, 1_000_000_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "kafka",
        "Reads sound from Kafka topics: one key is one stream, one record one block of it (docs/wire-format.md). Workers of one group "
            + "share the partitions.",
        [
            .. KafkaKeys.All, Topics, Group, Instance, Delivery, StartAt, StateTopic, DeadLetterTopic, CommitInterval, Reorder,
            IdleTimeout, ForgetAfter, Encoding, SampleRate, NumChannels, CarriedHeaders, Buffer, MaxRecord,
        ],
        Read);

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(2);

    private readonly KafkaSourceOptions _options;
    private readonly KafkaCluster _cluster;
    private readonly KafkaDelivery _delivery;

    /// <summary>Makes a source.</summary>
    /// <param name="options">How it reads.</param>
    /// <param name="delivery">Which guarantee it is to give.</param>
    internal KafkaSource(KafkaSourceOptions options, KafkaDelivery delivery) =>
        (_options, _cluster, _delivery) = (options, new KafkaCluster(options.Access), delivery);

    public string Description =>
        $"Kafka topic {string.Join(", ", _options.Topics)} at {_cluster.Name}, group {_options.Group}, {_delivery.Description}";

    public bool IsLive => false;

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        var health = output.Watch(output.Source);
        if (await _delivery.DecideAsync(_cluster, output, health, stop).ConfigureAwait(false) is not { } isExactlyOnce)
            return;
        var options = _options with { IsExactlyOnce = isExactlyOnce };
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation);
        while (true)
        {
            await using var ingest = new KafkaIngest(options, _cluster, output, health);
            await ingest.RunAsync(stop, cancellation).ConfigureAwait(false);
            if (!ingest.IsNameTaken)
                return;
            health.Become(
                SourceState.Away, $"group {options.Group} has a member '{options.Instance}': this worker before it was killed, which the "
                    + $"brokers give up after the group's consumer.session.timeout.ms (45 s by default), or another one of that name");
            await Task.Delay(s_again, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (either.IsCancellationRequested)
                return;
        }
    }

    private static Settings Read(SectionReader section)
    {
        var (encoding, samples) = BlockFormat.Encodings[section.Get(Encoding)];
        var topics = section.Get(Topics) ?? [];
        var group = section.Get(Group) ?? "aststream";
        var options = new KafkaSourceOptions
        {
            Access = KafkaKeys.Read(section, reads: true),
            Topics = topics,
            Group = group,
            Instance = section.Get(Instance),
            StartsAtEnd = section.Get(StartAt) == "latest",
            StateTopic = section.Get(StateTopic) ?? $"{group}-state",
            DeadLetterTopic = section.Get(DeadLetterTopic),
            Otherwise = new BlockFormat(
                encoding, new PcmFormat(samples, section.Get(SampleRate), section.Get(NumChannels)), null, null, ""),
            Channel = section.Get(SourceKeys.Channel),
        };
        options = options with
        {
            CommitInterval = section.Get(CommitInterval) ?? options.CommitInterval,
            Reorder = section.Get(Reorder) ?? options.Reorder,
            IdleTimeout = section.Get(IdleTimeout) ?? options.IdleTimeout,
            ForgetAfter = section.Get(ForgetAfter) ?? options.ForgetAfter,
            CarriedHeaders = section.Get(CarriedHeaders) ?? options.CarriedHeaders,
            Buffer = section.Get(Buffer) ?? options.Buffer,
            MaxRecord = (int)(section.Get(MaxRecord) ?? options.MaxRecord),
        };
        foreach (var name in options.CarriedHeaders.Where(CloudEvents.Writes))
            section.Problem(CarriedHeaders, $"'{name}' is written by the sinks themselves; expected another header");
        if (group.Contains('|', StringComparison.Ordinal))
            section.Problem(Group, "has a '|', which separates the parts of a state's key; expected a name without it");
        if (options.ForgetAfter <= options.IdleTimeout)
            section.Problem(
                ForgetAfter, $"is no longer than idle_timeout ({options.IdleTimeout.TotalSeconds:0} s), after which a stream rests at all");
        return new Settings(options, section.Get(Delivery));
    }

    /// <summary>What a definition says of one.</summary>
    internal sealed record Settings(KafkaSourceOptions Options, string Delivery) : SourceSettings
    {
        public override bool NeedsModel => true; // without one nothing says what is done with

        /// <summary>The name of a member of its group.</summary>
        public override IReadOnlyList<Resource> Resources => Options.Instance is not { } instance ? [] :
        [
            new Resource(ResourceKind.Member, $"{Options.Access.Servers} {Options.Group} {instance}")
            {
                Key = Instance,
                Clash = other => $"'{instance}' of group '{Options.Group}' is source '{other}': they would shut each other out; give each "
                    + $"its own",
            },
        ];

        public override IReadOnlyList<Peer> Peers => Options.Access.Peers;

        public override IEnumerable<(Key Key, string Message)> Check(PipelineDefinition pipeline)
        {
            if (Delivery == KafkaDelivery.Exactly && !EventClusters(pipeline).Any())
                yield return (KafkaSource.Delivery, "exactly_once needs a kafka sink for events that writes to the same cluster, and there "
                    + "is no kafka sink; add one, or ask for at_least_once");
        }

        /// <summary>Which guarantee can be given depends on where events go.</summary>
        public override string DependsOn(PipelineDefinition pipeline) => Delivery == KafkaDelivery.AtLeast ? "" : string.Join(
            "\n\n", EventClusters(pipeline).Select(c => c.Fingerprint).Distinct().Order(StringComparer.Ordinal));

        public override IAudioSource Build(PipelineDefinition pipeline) => new KafkaSource(
            Options, new KafkaDelivery(Delivery, [.. EventClusters(pipeline).Select(c => new KafkaCluster(c))]));

        private static IEnumerable<KafkaAccess> EventClusters(PipelineDefinition pipeline) =>
            pipeline.SinksOf<KafkaEventSettings>().Select(s => s.Access);
    }
}
