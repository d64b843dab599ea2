using System.Buffers;
using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Connectors;

public class PrintableTests
{
    private static readonly JsonSerializerOptions s_json = new() { Encoder = JsonText.Encoder };

    [Theory]
    [InlineData("dog", "dog")]
    [InlineData("Hund ä 狗 🐕", "Hund ä 狗 🐕")]
    [InlineData("\u001b[2J", "\\x1B[2J")]
    [InlineData("a\nb\rc\td", "a\\x0Ab\\x0Dc\\x09d")]
    [InlineData("\u009b31m", "\\x9B31m")] // the control that is one character
    [InlineData("gpj.\u202Eexe", "gpj.\\u202Eexe")]
    [InlineData("\u2066x\u2069\u200F", "\\u2066x\\u2069\\u200F")]
    [InlineData("a\u2028b", "a\\u2028b")]
    public void Text_FromOutside_CannotTouchTheTerminal(string text, string expected) => Assert.Equal(expected, Printable.Text(text));

    [Fact]
    public void Text_WithASecretInIt_HidesThat()
    {
        Secrets.Add("hunter2-of-this-test");

        Assert.Equal("password '***' is wrong", Printable.Text("password 'hunter2-of-this-test' is wrong"));
    }

    [Theory]
    [InlineData("plain, <b> & 'quotes'", "\"plain, <b> & 'quotes'\"")]
    [InlineData("狗 ä", "\"狗 ä\"")]
    [InlineData("\u202Eevil", "\"\\u202Eevil\"")]
    [InlineData("\u001b[2J", "\"\\u001B[2J\"")]
    [InlineData("\u009b", "\"\\u009B\"")]
    [InlineData("a\"b\\", "\"a\\\"b\\\\\"")]
    public void Encoder_FromOutside_IsReadableAndCannotTouchTheTerminal(string text, string expected)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, JsonText.Options))
            json.WriteStringValue(text);
        var written = Encoding.UTF8.GetString(bytes.WrittenSpan);

        Assert.Equal(expected, written);
        Assert.Equal(text, JsonSerializer.Deserialize<string>(written));
        Assert.Equal(expected, JsonSerializer.Serialize(text, s_json));
    }

    [Fact]
    public void Write_EventOfAHostileModel_IsOneLineWithoutControls()
    {
        var bytes = new ArrayBufferWriter<byte>();
        var stream = new StreamInfo("a\u202Eb", "s\u001b");
        RecordJson.Write(bytes, new SoundEvent("id", EventState.Closed, stream, "m", "\u001b]0;owned\u0007\n\u202E", 0, 1, 0.5f, 0.5f));

        Assert.DoesNotContain(Encoding.UTF8.GetString(bytes.WrittenSpan), c => char.IsControl(c) || c == '\u202E');
    }

    /// <summary>Whatever goes to a terminal is written in few places, and these escape it.</summary>
    [Fact]
    public void Sources_ThatWriteToTheConsole_AreTheKnownOnes()
    {
        var folder = Reference.RepositoryFolder("src");
        var writers = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && File.ReadAllText(f) is var text
                && (text.Contains("Console.Out.", StringComparison.Ordinal) || text.Contains("Console.Error.", StringComparison.Ordinal)
                    || text.Contains("AnsiConsole.Write", StringComparison.Ordinal)))
            .Select(Path.GetFileName).Order(StringComparer.Ordinal);

        Assert.Equal(["CaptureProcess.cs", "Errors.cs", "LineLogger.cs", "RunSignals.cs", "Terminal.cs"], writers);
    }
}
