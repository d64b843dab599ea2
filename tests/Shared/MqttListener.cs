using System.Collections.Concurrent;
using MQTTnet;

namespace AstStream.Tests.Shared;

/// <summary>Hears everything that a broker has, in the place of Home Assistant.</summary>
internal sealed class MqttListener : IAsyncDisposable
{
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();

    private MqttListener()
    {
    }

    /// <summary>Topics and payloads, in order.</summary>
    public ConcurrentQueue<(string Topic, string Payload, bool IsRetained)> Messages { get; } = new();

    /// <summary>Connects to a broker.</summary>
    public static async Task<MqttListener> StartAsync(int port)
    {
        var listener = new MqttListener();
        listener._client.ApplicationMessageReceivedAsync += e =>
        {
            listener.Messages.Enqueue(
                (e.ApplicationMessage.Topic, e.ApplicationMessage.ConvertPayloadToString() ?? "", e.ApplicationMessage.Retain));
            return Task.CompletedTask;
        };
        await listener._client.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", port).Build());
        await listener._client.SubscribeAsync("#");
        return listener;
    }

    /// <summary>The last payload of a topic; null where there was none.</summary>
    public string? Last(string topic) => Messages.LastOrDefault(m => m.Topic == topic).Payload;

    /// <summary>Waits until something is so, for 20 s at most.</summary>
    public async Task UntilAsync(Func<bool> isSo, string what)
    {
        for (var i = 0; i < 2000; i++)
        {
            if (isSo())
                return;
            await Task.Delay(10);
        }

        Assert.Fail($"{what} did not come; what came: {string.Join("; ", Messages.Select(m => $"{m.Topic}={m.Payload}"))}");
    }

    /// <summary>Publishes a message.</summary>
    public Task SendAsync(string topic, string payload, bool isRetained = false) => _client.PublishAsync(
        new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithRetainFlag(isRetained).Build());

    public async ValueTask DisposeAsync()
    {
        await _client.DisconnectAsync();
        _client.Dispose();
    }
}
