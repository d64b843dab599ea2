using System.Diagnostics;
using System.Net.Sockets;
using AstStream.IntegrationTests.Station;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Mqtt;

/// <summary>A run that publishes to Mosquitto, as Debian has it, heard by who stands for Home Assistant.</summary>
public sealed class MqttTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly int _port = FreePort.Find();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_ALiveStream_IsInHomeAssistantUntilItIsKilled()
    {
        using var mosquitto = await BrokerAsync();
        try
        {
            await using var home = await MqttListener.StartAsync(_port);
            await using (var run = new StationRun(_folder, more: $$"""

                sinks: {home: {type: mqtt, broker: 'mqtt://127.0.0.1:{{_port}}', every: 1s} }
                """))
            {
                await using var sound = new LiveSound(run.Socket);
                await run.AnswersAsync();
                await home.UntilAsync(
                    () => home.Last("aststream/streams/porch/state")?.Contains("running", StringComparison.Ordinal) == true, "a state");
                sound.IsLoud = true;
                await home.UntilAsync(() => home.Messages.Any(m => m.Payload == "ON"), "a label that is on");
                sound.IsLoud = false;
                await home.UntilAsync(
                    () => home.Messages.Where(m => m.Topic.Contains("/labels/", StringComparison.Ordinal)).GroupBy(m => m.Topic)
                        .All(t => t.Last().Payload == "OFF"), "labels that are off");
            }

            await home.UntilAsync(() => home.Last("aststream/status") == "offline", "the last will");

            // Who comes later gets the same.
            await using var late = await MqttListener.StartAsync(_port);
            bool IsDevice(string topic) => topic.StartsWith("homeassistant/device/", StringComparison.Ordinal);
            await late.UntilAsync(() => late.Messages.Any(m => IsDevice(m.Topic)), "a device");
            Assert.All(late.Messages, m => Assert.True(m.IsRetained, m.Topic));
            Assert.Equal("offline", late.Last("aststream/status"));
            Assert.Contains("binary_sensor", late.Messages.First(m => IsDevice(m.Topic)).Payload, StringComparison.Ordinal);
            Assert.DoesNotContain(late.Messages, m => m.Topic.EndsWith("/events", StringComparison.Ordinal));
        }
        finally
        {
            mosquitto.Kill();
            await mosquitto.WaitForExitAsync();
        }
    }

    private async Task<Process> BrokerAsync()
    {
        var configuration = Path.Combine(_folder, "mosquitto.conf");
        await File.WriteAllTextAsync(configuration, $"listener {_port} 127.0.0.1\nallow_anonymous true\n");
        var broker = Process.Start(new ProcessStartInfo("/usr/sbin/mosquitto", ["-c", configuration]) { RedirectStandardError = true })!;
        for (var i = 0; i < 200; i++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", _port);
                return broker;
            }
            catch (SocketException)
            {
                await Task.Delay(100); // it does not listen yet
            }
        }

        broker.Kill();
        throw new TimeoutException("mosquitto did not listen");
    }
}
