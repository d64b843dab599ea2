using AstStream.Connectors.Programs;

namespace AstStream.Tests.Capture;

public class SecretUrlTests
{
    [Theory]
    [InlineData("rtsp://cam/stream1", "rtsp://cam/stream1")]
    [InlineData("rtsp://admin:s3cret@10.0.0.5:554/h264?channel=1", "rtsp://***@10.0.0.5:554/h264?***")]
    [InlineData("rtsp://admin:pa@ss/word#1@cam/x", "rtsp://***@cam/x")]
    [InlineData("https://host/live.m3u8?token=abc.def", "https://host/live.m3u8?***")]
    [InlineData("rtsp://admin:what?ever@cam/1", "rtsp://***@cam/1")]
    [InlineData("/pipelines/async:http:/u:pw@h/x", "/pipelines/async:http:/***@h/x")]
    [InlineData("/media/a@b?.mp3", "/media/a@b?.mp3")]
    public void Shown_AnyUrl_HasNoSecret(string url, string shown) => Assert.Equal(shown, new SecretUrl(url).Shown);

    [Theory]
    [InlineData("rtsp://admin:s3cret@cam/x: Connection refused", "rtsp://***@cam/x: Connection refused")]
    [InlineData("sent password s3cret to 10.0.0.5", "sent password *** to 10.0.0.5")]
    [InlineData("[tcp] Connection to tcp://10.0.0.5:554?timeout=0 failed", "[tcp] Connection to tcp://10.0.0.5:554 failed")]
    [InlineData("opening 'https://other:pw@cdn/seg1.ts?sig=xyz' failed", "opening 'https://***@cdn/seg1.ts?***' failed")]
    public void Clean_OthersText_HasNoSecret(string text, string clean) =>
        Assert.Equal(clean, new SecretUrl("rtsp://admin:s3cret@cam/x").Clean(text));

    [Fact]
    public void Clean_EscapedPassword_IsTakenOutInBothForms()
    {
        var url = new SecretUrl("http://u:p%40ss@h/");

        Assert.Equal("*** and ***", url.Clean("p%40ss and p@ss"));
    }
}
