using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Tests.Shared;
using Microsoft.AspNetCore.Http;

namespace AstStream.Tests.Kafka;

/// <summary>What a schema registry is asked, and what comes of what it answers.</summary>
public sealed class SchemaRegistrationTests
{
    private static readonly SoundEvent s_event = new(
        "0123", EventState.Opened, new StreamInfo("yard", "mics"), "model", "dog", 1.5, 3.25, 0.8f, 0.5f);

    [Theory]
    [InlineData("topic", "events-value")]
    [InlineData("record", "aststream.event.v1")]
    [InlineData("topic_record", "events-aststream.event.v1")]
    public async Task Ask_NewSchema_IsRegisteredUnderItsSubjectOnceAndKnownThen(string strategy, string subject)
    {
        await using var registry = await TargetStandIn.StartAsync((context, _) => Answer(context, 200, """{"id": 77}"""));
        using var schemas = new SchemaRegistration(Options(registry.Address, strategy), "events");

        Assert.Null(schemas.Known(s_event));
        await schemas.AskAsync(s_event, CancellationToken.None);

        Assert.Equal(77, schemas.Known(s_event));
        var request = Assert.Single(registry.All);
        Assert.Equal(("POST", $"/subjects/{subject}/versions"), (request.Method, request.Path.Split('?')[0]));
        Assert.Equal("Basic " + Convert.ToBase64String("me:secret"u8), request.Headers["Authorization"]);
        var body = JsonDocument.Parse(request.Body).RootElement;
        Assert.Equal("JSON", body.GetProperty("schemaType").GetString());
        Assert.Equal(RecordSchema.Of("event"), body.GetProperty("schema").GetString());
    }

    [Fact]
    public async Task Ask_SchemaThatMayOnlyBeLookedUp_IsNotRegistered()
    {
        await using var registry = await TargetStandIn.StartAsync(
            (context, _) => Answer(context, 404, """{"error_code": 40403, "message": "Schema not found"}"""));
        using var schemas = new SchemaRegistration(Options(registry.Address, "topic", registers: false), "events");

        var e = await Assert.ThrowsAsync<SinkException>(() => schemas.AskAsync(s_event, CancellationToken.None));

        Assert.True(e.IsTransient);
        Assert.Contains("subject events-value: does not have the schema; register it", e.Message, StringComparison.Ordinal);
        Assert.Equal("/subjects/events-value", Assert.Single(registry.All).Path.Split('?')[0]);
    }

    [Theory]
    [InlineData(409, 409, "is not compatible with the one that it has")]
    [InlineData(401, 401, "denied")]
    [InlineData(500, 50001, "denied")]
    public async Task Ask_RegistryThatRefuses_IsAskedAgainLaterAndItSaysWhyWithoutThePassword(int status, int code, string why)
    {
        await using var registry = await TargetStandIn.StartAsync(
            (context, _) => Answer(context, status, $$"""{"error_code": {{code}}, "message": "denied\u001b[31m"}"""));
        using var schemas = new SchemaRegistration(Options(registry.Address, "topic"), "events");

        var e = await Assert.ThrowsAsync<SinkException>(() => schemas.AskAsync(s_event, CancellationToken.None));

        Assert.True(e.IsTransient);
        Assert.StartsWith($"schema registry {registry.Address}, subject events-value: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', e.Message);
        Assert.Null(schemas.Known(s_event));
    }

    [Theory]
    [InlineData("<html>welcome</html>")]
    [InlineData("")]
    [InlineData("""{"id": null}""")]
    [InlineData("{}")]
    [InlineData("""{"id": -1}""")]
    public async Task Ask_AnswerThatIsNone_IsAskedAgainLater(string answer)
    {
        await using var registry = await TargetStandIn.StartAsync((context, _) => Answer(context, 200, answer));
        using var schemas = new SchemaRegistration(Options(registry.Address, "topic"), "events");

        var e = await Assert.ThrowsAsync<SinkException>(() => schemas.AskAsync(s_event, CancellationToken.None));

        Assert.True(e.IsTransient);
        Assert.Null(schemas.Known(s_event));
    }

    [Fact]
    public async Task Ask_RegistryThatIsAway_SaysWhere()
    {
        using var schemas = new SchemaRegistration(Options("http://127.0.0.1:1", "topic"), "events");
        var e = await Assert.ThrowsAsync<SinkException>(() => schemas.AskAsync(s_event, CancellationToken.None));
        Assert.True(e.IsTransient);
        Assert.Contains("schema registry http://127.0.0.1:1, subject events-value: ", e.Message, StringComparison.Ordinal);
    }

    private static SchemaOptions Options(string url, string strategy, bool registers = true) => new(
        new Dictionary<string, string>
        {
            ["schema.registry.url"] = url,
            ["schema.registry.basic.auth.user.info"] = "me:secret",
            ["schema.registry.max.retries"] = "1",
        },
        strategy, registers);

    private static Task Answer(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/vnd.schemaregistry.v1+json";
        return context.Response.WriteAsync(json);
    }
}
