using AstStream.Worker.Hosting;

namespace AstStream.Tests.Worker;

/// <summary>The settings beside the program.</summary>
public sealed class WorkerSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-settings-").FullName;

    private readonly string _prefix = $"ASTSTREAM_{Guid.NewGuid():N}_";

    private string Settings => Path.Combine(_folder, "appsettings.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_NoFile_HasDefaults()
    {
        var settings = WorkerSettings.Read(_folder, _prefix);

        Assert.Equal(Path.Combine(_folder, "pipelines", "models", "ast-audioset-tiny"), settings.DefaultModel);
        Assert.Equal(("note", "text", null), (settings.Level, settings.Format, settings.Endpoint));
    }

    [Fact]
    public void Read_EveryKey_IsTaken()
    {
        File.WriteAllText(Settings, """
            {
              "DefaultModel": "models/mine", "Cache": "/var/cache/x",
              "Logging": {"Level": "warning", "Format": "json"}, "Telemetry": {"Endpoint": "http://localhost:4317"}
            }
            """);

        var settings = WorkerSettings.Read(_folder, _prefix);

        Assert.Equal((Path.Combine(_folder, "models", "mine"), "/var/cache/x"), (settings.DefaultModel, settings.Cache));
        Assert.Equal(("warning", "json", new Uri("http://localhost:4317")), (settings.Level, settings.Format, settings.Endpoint));
    }

    [Fact]
    public void Read_Variable_WinsOverTheFile()
    {
        File.WriteAllText(Settings, """{"Logging": {"Level": "warning", "Format": "json"}}""");
        Environment.SetEnvironmentVariable(_prefix + "LOGGING__LEVEL", "debug");
        Environment.SetEnvironmentVariable(_prefix + "CACHE", "here");

        var settings = WorkerSettings.Read(_folder, _prefix);

        Assert.Equal(("debug", "json"), (settings.Level, settings.Format));
        Assert.Equal(Path.Combine(Directory.GetCurrentDirectory(), "here"), settings.Cache);
    }

    [Theory]
    [InlineData("""{"DefaultModell": "x"}""", "there is no setting 'DefaultModell'; did you mean 'DefaultModel'?")]
    [InlineData("""{"Logging": {"Level": "loud"}}""", "Logging:Level: found 'loud'; expected one of debug, note, warning, error")]
    [InlineData("""{"Logging": {"Format": "xml"}}""", "Logging:Format: found 'xml'; expected one of text, json")]
    [InlineData("""{"Telemetry": {"Endpoint": "localhost"}}""", "found 'localhost'; expected an address such as http://localhost:4317")]
    [InlineData("""{"Cache": """, "can't be read: ")]
    public void Read_WrongSetting_SaysWhereAndWhatIsExpected(string text, string message)
    {
        File.WriteAllText(Settings, text);

        var e = Assert.Throws<InvalidDataException>(() => WorkerSettings.Read(_folder, _prefix));

        Assert.StartsWith(Settings + ": ", e.Message, StringComparison.Ordinal);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }
}
