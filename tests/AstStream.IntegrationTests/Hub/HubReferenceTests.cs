using AstStream.Connectors.Hub;

namespace AstStream.IntegrationTests.Hub;

/// <summary>How models of the hub are named.</summary>
public sealed class HubReferenceTests
{
    [Theory]
    [InlineData("hf://MIT/ast", "MIT", "ast", "main")]
    [InlineData("hf://a-b/c.d_e@v1.0", "a-b", "c.d_e", "v1.0")]
    [InlineData("hf://a/b@refs/pr/1", "a", "b", "refs/pr/1")]
    [InlineData("HF://a/b", "a", "b", "main")]
    public void Parse_Reference_HasItsParts(string text, string owner, string name, string revision) =>
        Assert.Equal(new HubReference(owner, name, revision), HubReference.Parse(text));

    [Theory]
    [InlineData("hf://")]
    [InlineData("hf://name")]
    [InlineData("hf://a/b/c")]
    [InlineData("hf://../b")]
    [InlineData("hf://a/..")]
    [InlineData("hf://a/b@../../x")]
    [InlineData("hf://a/b@")]
    [InlineData("hf://a/b?x=1")]
    public void Parse_OtherText_SaysWhatIsExpected(string text) =>
        Assert.Contains(
            "expected hf://OWNER/NAME", Assert.Throws<HubException>(() => HubReference.Parse(text)).Message, StringComparison.Ordinal);
}
