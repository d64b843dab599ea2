using AstStream.Tests.Streaming;

namespace AstStream.Tests.Mqtt;

public sealed class MqttSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("broker: localhost", "is no broker; expected mqtt://HOST:PORT")]
    [InlineData("broker: 'http://localhost'", "is no broker; expected mqtt://HOST:PORT")]
    [InlineData("broker: 'mqtt://me:pw@localhost'", "with user and password as keys")]
    [InlineData("broker: 'mqtt://h', topic: 'a/#'", "found 'a/#'; expected a topic without +, #")]
    [InlineData("broker: 'mqtt://h', password: x", "stands without a user")]
    [InlineData("broker: 'mqtts://h', ca: no.pem", "'no.pem' can't be read")]
    [InlineData("topic: x", "key 'broker' is missing")]
    public void Read_Mistakes_SaysWhatIsExpected(string keys, string message)
    {
        var (_, problems) = DefinitionText.Read(
            _folder, $"sources: {{mic: {{type: stdin}}}}\nsinks: {{home: {{type: mqtt, {keys}}}}}\n");

        Assert.Contains(problems, p => p.Contains(message, StringComparison.Ordinal));
    }
}
