using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using AstStream.Connectors.Mqtt;
using AstStream.Events;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Shared;
using Json.Schema;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace AstStream.Tests.Mqtt;

public sealed class MqttSinkTests : IAsyncDisposable
{
    private static readonly StreamIdentity s_porch = new("porch", "mic", new DateTimeOffset(2026, 11, 27, 9, 0, 0, TimeSpan.Zero));
    private static readonly JsonSchema s_device = JsonSchema.FromFile(
        Path.Combine(AppContext.BaseDirectory, "home-assistant-device.schema.json"));


    private readonly int _port = FreePort.Find();
    private readonly RunReport _run = new();
    private readonly MemoryReport _report;
    private MqttServer? _broker;

    public MqttSinkTests() => _report = new MemoryReport(_run);

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
            await _broker.StopAsync();
        _broker?.Dispose();
        _run.Dispose();
    }

    [Fact]
    public async Task Write_AnEventsLife_IsPublishedAndItsLabelGoesOnAndOff()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using var sink = await OpenAsync(Options with
        {
            Labels = new Dictionary<string, IReadOnlyList<string>>
            {
                ["Dog"] = ["Dog", "Bark"],
                ["Smoke detector, smoke alarm"] = ["Smoke detector, smoke alarm"],
            },
        });
        _run.Watch("mic", "porch").Become(SourceState.Running, "sound comes");

        await sink.WriteAsync(Event("a1", EventState.Opened, "Bark"), CancellationToken.None);
        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Dog") == "ON", "ON");
        await sink.WriteAsync(Event("a1", EventState.Closed, "Bark"), CancellationToken.None);
        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Dog") == "OFF", "OFF");

        var events = home.Messages.Where(m => m.Topic == "aststream/streams/porch/events").ToList();
        Assert.Equal(["opened", "closed"], events.Select(e => JsonDocument.Parse(e.Payload).RootElement.GetProperty("state").GetString()));
        Assert.Equal("OFF", home.Last("aststream/streams/porch/labels/Smoke%20detector%2C%20smoke%20alarm"));
        Assert.Equal("online", home.Last("aststream/status"));
        var state = JsonDocument.Parse(home.Last("aststream/streams/porch/state")!).RootElement;
        Assert.Equal("running", state.GetProperty("state").GetString());
        var device = Device(home);
        Assert.Equal("porch", device.GetProperty("device").GetProperty("name").GetString());
        var components = device.GetProperty("components");
        Assert.Equal("aststream/streams/porch/labels/Dog", components.EnumerateObject()
            .First(c => c.Value.GetProperty("name").GetString() == "Dog").Value.GetProperty("state_topic").GetString());
        Assert.Equal("sensor", components.GetProperty("level").GetProperty("platform").GetString());
        Assert.Equal(5, components.EnumerateObject().Count()); // event, two labels, level and state
    }

    [Fact]
    public async Task Write_WithoutLabels_EachThatIsHeardGetsASensor()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using var sink = await OpenAsync(Options);

        await sink.WriteAsync(Event("a1", EventState.Opened, "Cat"), CancellationToken.None);
        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Cat") == "ON", "ON");

        Assert.Contains("Cat", Device(home).GetRawText(), StringComparison.Ordinal);
        Assert.False(Device(home).GetProperty("components").TryGetProperty("level", out _)); // it is not live
    }

    [Fact]
    public async Task Write_NamesOfAllKinds_AreOneLevelOfATopicEach()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using var sink = await OpenAsync(Options);
        var odd = new StreamIdentity("a/b+#\u0001 höf", "mic");

        await sink.WriteAsync(Event("a1", EventState.Opened, stream: odd), CancellationToken.None);
        await home.UntilAsync(() => home.Last("aststream/streams/a%2Fb%2B%23%01%20h%C3%B6f/events") is not null, "the event");
        await home.UntilAsync(() => home.Messages.Any(m => m.Topic.StartsWith("homeassistant/", StringComparison.Ordinal)), "a device");

        Assert.Matches(
            "^homeassistant/device/[A-Za-z0-9_-]+/config$",
            home.Messages.First(m => m.Topic.StartsWith("homeassistant/", StringComparison.Ordinal)).Topic);
        Device(home);
    }

    [Fact]
    public async Task Receive_HomeAssistantsBirth_DescribesAllAgain()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using var sink = await OpenAsync(Options);
        await sink.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None);
        int Devices() => home.Messages.Count(m => m.Topic.Contains("/device/", StringComparison.Ordinal));
        await home.UntilAsync(() => Devices() == 1 && home.Last("aststream/streams/porch/labels/Dog") == "ON", "a device");

        await home.SendAsync("homeassistant/status", "online");

        await home.UntilAsync(() => Devices() == 2, "a second description");
        await home.SendAsync("homeassistant/status", "offline");
        await home.SendAsync("aststream/status", "offline"); // a will that comes late
        await home.UntilAsync(() => home.Last("aststream/status") == "online", "online");
        Assert.Equal(2, Devices());
    }

    [Fact]
    public async Task Open_ALabelThatARunOfBeforeLeftOn_GoesOff()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await home.SendAsync("aststream/streams/porch/labels/Dog", "ON", isRetained: true);

        await using var sink = await OpenAsync(Options);

        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Dog") == "OFF", "OFF");
    }

    [Fact]
    public async Task Write_AnEventWhoseEndNeverComes_ItsLabelGoesOff()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using var sink = await OpenAsync(Options with { OffAfter = TimeSpan.FromSeconds(1) });

        await sink.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None);

        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Dog") == "OFF", "OFF");
    }

    [Fact]
    public async Task Open_ABrokerThatIsAway_IsWaitedForAndToldEverythingThen()
    {
        await using var sink = await OpenAsync(Options);
        var e = await Assert.ThrowsAsync<SinkException>(
            async () => await sink.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None));
        Assert.True(e.IsTransient);
        Assert.Contains($"mqtt://127.0.0.1:{_port} is away", e.Message, StringComparison.Ordinal);

        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);

        await home.UntilAsync(() => home.Last("aststream/streams/porch/labels/Dog") == "ON", "ON");
        await TryAsync(sink, Event("a1", EventState.Opened));
        await home.UntilAsync(() => home.Last("aststream/streams/porch/events") is not null, "the event");
        Assert.Contains(_report.Lines, s => s.Contains("can't be reached", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Write_ABrokerThatDropsAfterEachMessage_GetsAllOfThem()
    {
        var broker = await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        broker.InterceptingPublishAsync += e =>
        {
            if (e.ApplicationMessage.Topic.EndsWith("/events", StringComparison.Ordinal))
                _ = Task.Delay(50).ContinueWith(
                    _ => broker.DisconnectClientAsync(e.ClientId, MqttDisconnectReasonCode.UnspecifiedError), TaskScheduler.Default);
            return Task.CompletedTask;
        };
        await using var sink = await OpenAsync(Options);

        for (var i = 0; i < 5; i++)
            await TryAsync(sink, Event($"e{i}", EventState.Opened));

        string[] Ids() => [.. home.Messages.Where(m => m.Topic.EndsWith("/events", StringComparison.Ordinal))
            .Select(m => JsonDocument.Parse(m.Payload).RootElement.GetProperty("id").GetString()!).Distinct()];
        await home.UntilAsync(() => Ids().Length == 5, "all events");
        Assert.Equal(["e0", "e1", "e2", "e3", "e4"], Ids());
    }

    [Fact]
    public async Task Write_AnAcknowledgementThatNeverComes_CostsOneConnection()
    {
        var broker = await BeginBrokerAsync();
        var (isFirst, connections) = (true, 0);
        broker.ClientConnectedAsync += _ =>
        {
            connections++;
            return Task.CompletedTask;
        };
        broker.InterceptingPublishAsync += e =>
        {
            if (!isFirst || !e.ApplicationMessage.Topic.EndsWith("/events", StringComparison.Ordinal))
                return Task.CompletedTask;
            isFirst = false;
            return Task.Delay(TimeSpan.FromMinutes(1), e.CancellationToken);
        };
        await using var sink = await OpenAsync(Options);

        await TryAsync(sink, Event("a1", EventState.Opened));
        await Task.Delay(3000);

        Assert.Equal(2, connections);
    }

    [Fact]
    public async Task Open_AWrongPassword_IsSaidAndTriedAgain()
    {
        var broker = await BeginBrokerAsync();
        broker.ValidatingConnectionAsync += e =>
        {
            if (e.Password != "right")
                e.ReasonCode = MqttConnectReasonCode.BadUserNameOrPassword;
            return Task.CompletedTask;
        };

        await using var sink = await OpenAsync(Options with { User = "me", Password = "wrong" });

        Assert.Contains($"mqtt://127.0.0.1:{_port} refuses the user or the password; it is tried until it works", _report.Lines);
        await using var good = await OpenAsync(Options with { User = "me", Password = "right", ClientId = "other" });
        await good.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None);
    }

    [Fact]
    public async Task Open_ACertificateOfItsOwn_IsTrustedWhereItIsNamed()
    {
        using var certificate = OwnCertificate.Make();
        await BeginBrokerAsync(certificate);

        await using var strict = await OpenAsync(Options with { IsEncrypted = true });
        Assert.Contains(_report.Lines, s => s.Contains("shows a certificate that is not trusted", StringComparison.Ordinal));
        await using var trusting = await OpenAsync(Options with { IsEncrypted = true, Authorities = [certificate], ClientId = "other" });
        await trusting.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None);
    }

    [Fact]
    public async Task Complete_ARunThatEnds_IsOffline()
    {
        await BeginBrokerAsync();
        await using var home = await MqttListener.StartAsync(_port);
        await using (var sink = await OpenAsync(Options))
        {
            await sink.WriteAsync(Event("a1", EventState.Opened), CancellationToken.None);
            await sink.CompleteAsync(CancellationToken.None);
        }

        await home.UntilAsync(() => home.Last("aststream/status") == "offline", "offline");
        await Task.Delay(300); // what hears its own word does not answer it
        Assert.Equal("offline", home.Last("aststream/status"));
    }

    private MqttOptions Options => new()
    {
        Host = "127.0.0.1",
        Port = _port,
        ClientId = "test",
        Discovery = "homeassistant",
    };

    private static SoundEvent Event(string id, EventState state, string label = "Dog", StreamIdentity? stream = null) =>
        new(id, state, stream ?? s_porch, "model", label, 1, 2, 0.75f, 0.5f);

    /// <summary>The last description of a device, which is as Home Assistant documents it.</summary>
    private static JsonElement Device(MqttListener home)
    {
        var description = home.Messages.Last(m => m.Topic.StartsWith("homeassistant/device/", StringComparison.Ordinal)).Payload;
        var json = JsonDocument.Parse(description).RootElement;
        var result = s_device.Evaluate(json, new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(result.IsValid, string.Join("; ", result.Details!.Where(d => d.Errors is not null).SelectMany(
            d => d.Errors!.Select(e => $"{d.InstanceLocation}: {e.Value}"))));
        return json;
    }

    /// <summary>As who calls a sink does: again and again where it fails.</summary>
    private static async Task TryAsync(MqttSink sink, SoundEvent e)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await sink.WriteAsync(e, CancellationToken.None);
                return;
            }
            catch (SinkException problem) when (problem.IsTransient && i < 200)
            {
                await Task.Delay(50);
            }
        }
    }

    private async Task<MqttServer> BeginBrokerAsync(X509Certificate2? certificate = null)
    {
        var options = new MqttServerOptionsBuilder();
        if (certificate is null)
            options.WithDefaultEndpoint().WithDefaultEndpointBoundIPAddress(IPAddress.Loopback).WithDefaultEndpointPort(_port);
        else
            options.WithEncryptedEndpoint().WithEncryptedEndpointBoundIPAddress(IPAddress.Loopback).WithEncryptedEndpointPort(_port)
                .WithEncryptionCertificate(certificate);
        _broker = new MqttServerFactory().CreateMqttServer(options.Build());
        await _broker.StartAsync();
        return _broker;
    }

    private async Task<MqttSink> OpenAsync(MqttOptions options)
    {
        var sink = new MqttSink(options, TimeProvider.System) { Report = _report };
        await sink.OpenAsync(CancellationToken.None);
        return sink;
    }
}
