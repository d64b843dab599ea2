using System.Security.Cryptography;
using System.Text;

namespace AstStream.Connectors.Mqtt;

/// <summary>The topics of a run. Names of streams and labels come from anywhere: what has a meaning in a topic is written as %XX.</summary>
/// <param name="prefix">What they begin with.</param>
internal sealed class MqttTopics(string prefix)
{
    /// <summary>What they begin with.</summary>
    public string Prefix => prefix;

    /// <summary>Whether the run is there: online, or offline, which the broker says when it is gone.</summary>
    public string Status => $"{prefix}/status";

    /// <summary>The topics of all labels of all streams, to subscribe to.</summary>
    public string AllLabels => $"{prefix}/streams/+/labels/+";

    /// <summary>A stream's events.</summary>
    public string Events(string stream) => $"{prefix}/streams/{Part(stream)}/events";

    /// <summary>What became of a stream's time.</summary>
    public string Coverage(string stream) => $"{prefix}/streams/{Part(stream)}/coverage";

    /// <summary>What a live stream's source is like, and its level.</summary>
    public string State(string stream) => $"{prefix}/streams/{Part(stream)}/state";

    /// <summary>Whether a label sounds in a stream: ON or OFF.</summary>
    public string Label(string stream, string label) => $"{prefix}/streams/{Part(stream)}/labels/{Part(label)}";

    /// <summary>A name as Home Assistant's ids may have it: its letters and digits, and enough of a hash to tell it from others.</summary>
    public static string Id(string name)
    {
        const int shown = 32;
        var letters = new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_').Take(shown)]);
        return letters == name ? name : $"{letters}_{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8]}";
    }

    /// <summary>A name as one level of a topic.</summary>
    private static string Part(string name) => Uri.EscapeDataString(name);
}
