using System.Text.Json.Nodes;
using AstStream.Events;

namespace AstStream.Connectors.Mqtt;

/// <summary>
/// The description of a stream for Home Assistant's MQTT discovery, in its device format: a device with a binary sensor for each label, an
/// event entity, and for a live stream its state and level.
/// </summary>
/// <param name="topics">The topics.</param>
/// <param name="prefix">What discovery's topics begin with.</param>
internal sealed class HomeAssistant(MqttTopics topics, string prefix)
{
    private const string Maker = "AstStream";
    private const string EventTemplate =
        "{{ {'event_type': value_json.state, 'label': value_json.event_label, 'score': value_json.score, 'id': value_json.id, "
        + "'onset': value_json.event_onset, 'offset': value_json.event_offset} | tojson }}";

    private static readonly string s_version = typeof(HomeAssistant).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Where Home Assistant says that it has begun.</summary>
    public string Birth => $"{prefix}/status";

    /// <summary>Where a stream's device is described.</summary>
    public string Topic(string stream) => $"{prefix}/device/{DeviceId(stream)}/config";

    /// <summary>The description of a stream's device.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="isLive">Whether it is live: it has a state and a level then.</param>
    public string Describe(string stream, IEnumerable<string> labels, bool isLive)
    {
        var id = DeviceId(stream);
        var components = new JsonObject
        {
            ["event"] = new JsonObject
            {
                ["platform"] = "event",
                ["unique_id"] = $"{id}_event",
                ["name"] = "Sound event",
                ["state_topic"] = topics.Events(stream),
                ["event_types"] = new JsonArray("opened", "closed"),
                ["value_template"] = EventTemplate,
            },
        };
        foreach (var label in labels)
            components[$"label_{MqttTopics.Id(label)}"] = new JsonObject
            {
                ["platform"] = "binary_sensor",
                ["unique_id"] = $"{id}_label_{MqttTopics.Id(label)}",
                ["name"] = label,
                ["device_class"] = "sound",
                ["state_topic"] = topics.Label(stream, label),
            };
        if (isLive)
        {
            components["level"] = new JsonObject
            {
                ["platform"] = "sensor",
                ["unique_id"] = $"{id}_level",
                ["name"] = "Sound level",
                ["unit_of_measurement"] = "dBFS",
                ["state_class"] = "measurement",
                ["suggested_display_precision"] = 0,
                ["state_topic"] = topics.State(stream),
                ["value_template"] = "{{ value_json.level }}",
            };
            components["state"] = new JsonObject
            {
                ["platform"] = "sensor",
                ["unique_id"] = $"{id}_state",
                ["name"] = "State",
                ["device_class"] = "enum",
                ["options"] = new JsonArray([.. Enum.GetValues<SourceState>().Select(s => JsonValue.Create(s.SnakeCase()))]),
                ["entity_category"] = "diagnostic",
                ["state_topic"] = topics.State(stream),
                ["value_template"] = "{{ value_json.state }}",
            };
        }

        return new JsonObject
        {
            ["device"] = new JsonObject
            {
                ["identifiers"] = new JsonArray(id),
                ["name"] = stream,
                ["manufacturer"] = Maker,
                ["model"] = "Sound event stream",
                ["sw_version"] = s_version,
            },
            ["origin"] = new JsonObject { ["name"] = Maker, ["sw_version"] = s_version },
            ["availability"] = new JsonArray(new JsonObject { ["topic"] = topics.Status }),
            ["qos"] = 1,
            ["components"] = components,
        }.ToJsonString();
    }

    private string DeviceId(string stream) => MqttTopics.Id($"{topics.Prefix}_{stream}");
}
