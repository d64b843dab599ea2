using AstStream.Streaming.Definitions;

namespace AstStream.Tests.Setup;

public class PeerTests
{
    [Theory]
    [InlineData("rtsp://user:pass@10.0.0.5/s1", "10.0.0.5:554")]
    [InlineData("rtsp://cam:8554/s1", "cam:8554")]
    [InlineData("https://example.org/live.m3u8", "example.org:443")]
    [InlineData("udp://10.0.0.5:5004", null)]
    [InlineData("file:///tmp/a.wav", null)]
    [InlineData("nonsense", null)]
    public void Of_Url_IsHostAndItsPort(string url, string? expected) => Assert.Equal(expected, Peer.Of(url)?.ToString());

    [Theory]
    [InlineData("localhost", "localhost:9092")]
    [InlineData("a:9093, b", "a:9093 b:9092")]
    [InlineData("SASL_SSL://a:1,,", "a:1")]
    [InlineData("[::1]:9093", "[::1]:9093")]
    [InlineData("::", "")]
    public void OfServers_AsLibrdkafkaNamesThem_AreRead(string servers, string expected) =>
        Assert.Equal(expected, string.Join(' ', Peer.OfServers(servers)));
}
