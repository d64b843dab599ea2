namespace AstStream.Kafka.Producing;

/// <summary>How a sink uses a schema registry.</summary>
/// <param name="Settings">The client's settings, by their whole names.</param>
/// <param name="Strategy">What a subject is named after: topic, record or topic_record.</param>
/// <param name="Registers">Whether schemas are registered that it does not have.</param>
internal sealed record SchemaOptions(IReadOnlyDictionary<string, string> Settings, string Strategy, bool Registers)
{
    public const string Prefix = "schema.registry.";
    public const string UrlSetting = Prefix + "url";
    public const string RetriesSetting = Prefix + "max.retries";
    public const string ByTopic = "topic";
    public const string ByRecord = "record";
    public const string ByBoth = "topic_record";

    private static readonly string[] s_secret = ["user.info", "password", "secret", "token"];

    /// <summary>Its addresses.</summary>
    public IEnumerable<Uri> Addresses => Settings[UrlSetting].Split(',', StringSplitOptions.TrimEntries)
        .Select(u => Uri.TryCreate(u, UriKind.Absolute, out var uri) ? uri : null).OfType<Uri>();

    /// <summary>The same, to be shown: without a password in them.</summary>
    public string Name => string.Join(", ", Addresses.Select(a => a.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped)));

    /// <summary>A text without the values of secret settings.</summary>
    public string WithoutSecrets(string text) => Settings
        .Where(s => s.Value.Length > 0 && s_secret.Any(w => s.Key.Contains(w, StringComparison.Ordinal)))
        .SelectMany(s => (string[])[s.Value, s.Value[(s.Value.IndexOf(':', StringComparison.Ordinal) + 1)..]]) // USER:PASSWORD
        .Where(v => v.Length > 0).Aggregate(text, (t, v) => t.Replace(v, "***", StringComparison.Ordinal));

    /// <summary>The subject of a kind of record, as Confluent's naming strategies have it.</summary>
    public string Subject(string topic, string record) => Strategy switch
    {
        ByRecord => record,
        ByBoth => $"{topic}-{record}",
        _ => $"{topic}-value",
    };
}
