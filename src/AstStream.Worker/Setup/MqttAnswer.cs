namespace AstStream.Worker.Setup;

/// <summary>An MQTT broker.</summary>
/// <param name="Broker">Its address, mqtt:// or mqtts://.</param>
/// <param name="User">The user; null for none.</param>
/// <param name="Password">The user's password.</param>
internal sealed record MqttAnswer(string Broker, string? User, string? Password)
{
    /// <summary>Reads an address; a host alone is one, too.</summary>
    public static MqttAnswer Of(string text, string? user, string? password) =>
        new(text.Contains("://", StringComparison.Ordinal) ? text : $"mqtt://{text}", user, password);
}
