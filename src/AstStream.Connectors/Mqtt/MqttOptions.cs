using System.Security.Cryptography.X509Certificates;

namespace AstStream.Connectors.Mqtt;

/// <summary>Where a broker is, and what is published there.</summary>
internal sealed record MqttOptions
{
    /// <summary>The broker's host.</summary>
    public required string Host { get; init; }

    /// <summary>Its port.</summary>
    public required int Port { get; init; }

    /// <summary>Whether the connection is encrypted.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>Certificates that are trusted in place of the system's; none for those.</summary>
    public X509Certificate2Collection Authorities { get; init; } = [];

    /// <summary>The user; null for nobody.</summary>
    public string? User { get; init; }

    /// <summary>The password.</summary>
    public string? Password { get; init; }

    /// <summary>What the broker knows this run by: one at a time.</summary>
    public required string ClientId { get; init; }

    /// <summary>What all topics begin with.</summary>
    public string Topic { get; init; } = "aststream";

    /// <summary>What topics of Home Assistant's discovery begin with; null where it is not told.</summary>
    public string? Discovery { get; init; }

    /// <summary>How often the level of a stream is published.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long an event may be open before its label counts as off.</summary>
    public TimeSpan OffAfter { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The names of labels that are published, with the labels that each means; none for those that are heard.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Labels { get; init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <summary>The broker, as it may be shown.</summary>
    public string Place => $"{(IsEncrypted ? "mqtts" : "mqtt")}://{Host}:{Port}";
}
