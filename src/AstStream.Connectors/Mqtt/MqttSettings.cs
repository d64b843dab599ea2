using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Connectors.Mqtt;

/// <summary>What a definition says of an MQTT sink.</summary>
internal sealed record MqttSettings(MqttOptions Options) : SinkSettings
{
    private const int LongestTopic = 200;

    private static readonly Key<string?> s_broker = Keys.Text(
        "broker", "Where it is: mqtt://HOST, or mqtts://HOST for an encrypted connection; :PORT after it for another than 1883 and 8883.",
        required: true);
    private static readonly Key<string?> s_user = Keys.Text("user", "The user; without one nobody logs in.");
    private static readonly Key<string?> s_password = Keys.Text("password", "The password, best from ${env:NAME} or ${file:PATH}.");
    private static readonly Key<X509Certificate2Collection?> s_ca = Keys.Certificates(
        "ca", "A PEM file with the certificates that are trusted in place of the system's; relative to this file.");
    private static readonly Key<string?> s_topic = Keys.Text(
        "topic", "What all topics begin with, which no other run has at that broker; aststream by default.");
    private static readonly Key<string?> s_clientId = Keys.Text(
        "client_id", "What the broker knows this run by; made of the machine's name and topic by default.");
    private static readonly Key<bool> s_homeAssistant = Keys.Flag(
        "home_assistant", "Whether streams are described for Home Assistant's discovery: a device each, with a binary sensor for each "
            + "label, an event entity, and for live streams state and level; true by default.", true);
    private static readonly Key<string?> s_discovery = Keys.Text(
        "discovery_prefix", "What discovery's topics begin with; homeassistant by default, as there.");
    private static readonly Key<TimeSpan?> s_every = Keys.Duration(
        "every", "How often the level of a live stream is published; 10s by default.", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
    private static readonly Key<TimeSpan?> s_offAfter = Keys.Duration(
        "off_after", "How long a label stays ON whose event's end has not come; 15m by default, and more than events.max_duration.",
        TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "mqtt", "Publishes events, coverage, states and levels to an MQTT broker, and describes streams to Home Assistant. With `labels`, "
            + "each of them has a binary sensor in each stream; without, those that are heard, up to 50 a stream.",
        [s_broker, s_user, s_password, s_ca, s_topic, s_clientId, s_homeAssistant, s_discovery, s_every, s_offAfter], Read);

    public override IReadOnlyList<Resource> Resources =>
        [new Resource(ResourceKind.Member, $"{Options.Place} {Options.ClientId}") { Key = s_clientId }];

    public override SinkSettings WithLabels(IReadOnlyDictionary<string, IReadOnlyList<string>> labels) =>
        this with { Options = Options with { Labels = labels } };

    public override ISink Build() => new MqttSink(Options, TimeProvider.System);

    /// <inheritdoc/>
    public override IReadOnlyList<Peer> Peers => Options.Host.Length > 0 ? [new Peer(Options.Host, Options.Port)] : [];

    private static MqttSettings Read(SectionReader section, SinkOptions options)
    {
        var topic = section.Get(s_topic) ?? "aststream";
        var discovery = section.Get(s_discovery) ?? "homeassistant";
        foreach (var (key, text) in ((Key<string?>, string)[])[(s_topic, topic), (s_discovery, discovery)])
        {
            if (text.Length > LongestTopic || text.Any(c => c is '+' or '#' or '\0' || char.IsControl(c)) || text.StartsWith('/')
                || text.EndsWith('/') || text.StartsWith('$'))
                section.Problem(key, $"found '{text}'; expected a topic without +, #, a / at an end, or a $ at its beginning");
        }

        if (section.Has(s_password) && !section.Has(s_user))
            section.Problem(s_password, "stands without a user");
        var broker = section.Get(s_broker);
        var isGood = Uri.TryCreate(broker, UriKind.Absolute, out var address) && address.Scheme is "mqtt" or "mqtts"
            && address.Host.Length > 0 && address.UserInfo.Length == 0 && address.AbsolutePath is "" or "/";
        if (broker is not null && !isGood)
            section.Problem(s_broker, "is no broker; expected mqtt://HOST:PORT or mqtts://HOST:PORT, with user and password as keys");
        var isEncrypted = address?.Scheme == "mqtts";
        var machine = SHA256.HashData(Encoding.UTF8.GetBytes($"{Environment.MachineName}\n{topic}"));
        return new MqttSettings(new MqttOptions
        {
            Host = isGood ? address!.Host : "",
            Port = isGood && address!.Port > 0 ? address.Port : isEncrypted ? 8883 : 1883,
            IsEncrypted = isEncrypted,
            Authorities = section.Get(s_ca) ?? [],
            User = section.Get(s_user),
            Password = section.Get(s_password),
            ClientId = section.Get(s_clientId) ?? $"aststream-{Convert.ToHexStringLower(machine)[..12]}",
            Topic = topic,
            Discovery = section.Get(s_homeAssistant) ? discovery : null,
            Every = section.Get(s_every) ?? TimeSpan.FromSeconds(10),
            OffAfter = section.Get(s_offAfter) ?? TimeSpan.FromMinutes(15),
        });
    }
}
