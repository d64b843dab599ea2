using System.Text;
using AstStream.Dsp;
using AstStream.LoadTest;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Setup;

/// <summary>aststream init, by its flags and by its questions.</summary>
[Collection(nameof(PulseAudio))]
public sealed class InitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-init-").FullName;

    private string Pipeline => Path.Combine(_folder, "p.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Init_Flags_WriteAPipelineThatIsRightAndSecretsThatOthersCantRead()
    {
        await using var ntfy = await TargetStandIn.StartAsync();

        var result = await Cli.RunAsync(
            "init", "--url", "rtsp://me:s3cret@127.0.0.1:9/s1", "--name", "home", "--labels", "dog; Shatter", "--ntfy",
            $"{ntfy.Address}/my-topic", "--ntfy-token", "tk_it's", "--mqtt", "127.0.0.1:9", "--mqtt-user", "ha", "--mqtt-password", "p$w",
            "--out", Pipeline);

        Assert.Equal(1, result.ExitCode); // two of them do not answer
        Assert.Contains($"phone: a message arrived at {ntfy.Address}", result.Error, StringComparison.Ordinal);
        Assert.Contains("warning: home: 127.0.0.1:9 does not answer", result.Error, StringComparison.Ordinal);
        Assert.Contains("warning: home_assistant: 127.0.0.1:9 does not answer", result.Error, StringComparison.Ordinal);
        Assert.Contains("Next: aststream run", result.Error, StringComparison.Ordinal);
        Assert.Single(ntfy.Taken);
        var text = await File.ReadAllTextAsync(Pipeline);
        Assert.Contains("labels: [\"Dog\", \"Shatter\"]", text, StringComparison.Ordinal);
        foreach (var secret in (string[])["s3cret", "tk_it", "p$w"])
            Assert.DoesNotContain(secret, text + result.Error, StringComparison.Ordinal);
        var secrets = Path.Combine(_folder, "secrets.env");
        Assert.Equal("HOME_LOGIN='me:s3cret'\nNTFY_TOKEN=\"tk_it's\"\nMQTT_PASSWORD='p$w'\n", await File.ReadAllTextAsync(secrets));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(secrets));
        Assert.Equal(0, (await Cli.RunAsync("validate", Pipeline)).ExitCode);
    }

    [Fact]
    public async Task Init_QuestionsAtAMicrophone_RecordsItAndWritesItsWholeName()
    {
        using var pulse = new PulseAudio();
        pulse.Plug("porch");
        pulse.Plug("yard");
        var tone = Path.Combine(_folder, "tone.wav");
        WriteTone(tone);
        using var loop = pulse.Loop("porch", tone);
        var devices = (await Cli.RunAsync("devices", "--json")).Output.Split('\n');
        var number = 1 + devices.Where(d => d.Contains("\"PulseAudio\"", StringComparison.Ordinal)).ToList()
            .FindIndex(d => d.Contains("porch", StringComparison.OrdinalIgnoreCase));
        string[] answers = [$"{number}", "yes", "my porch", "porch", "Dog", "", "", "no"];

        var result = await Cli.RunAsync(Encoding.UTF8.GetBytes(string.Join('\n', answers) + "\n"), ["init", "--out", Pipeline]);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Matches(@"heard 5\.0 s, peak -?\d+ dBFS", result.Error);
        Assert.DoesNotContain("nothing but zeros", result.Error, StringComparison.Ordinal);
        Assert.Contains("expected letters, digits", result.Error, StringComparison.Ordinal); // of the name with a space
        var text = await File.ReadAllTextAsync(Pipeline);
        Assert.Contains("  porch:\n    type: microphone\n    device: \"", text, StringComparison.Ordinal);
        Assert.Contains("host_api: \"PulseAudio\"", text, StringComparison.Ordinal);
        Assert.Contains("porch", text.Split("device:")[1].Split('\n')[0], StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("expected one of --microphone, --url and --folder", "--microphone", "--url", "rtsp://a/b")]
    [InlineData("expected an address such as rtsp://", "--url", "10.0.0.5")]
    [InlineData("there is no such folder", "--folder", "/nowhere/at/all")]
    [InlineData("the model has no label 'Dogg'; did you mean 'Dog'?", "--folder", "/tmp", "--labels", "Dogg")]
    [InlineData("expected letters, digits, '-' and '_'", "--folder", "/tmp", "--name", "a b")]
    [InlineData("expected a topic of letters", "--folder", "/tmp", "--ntfy", "my topic")]
    [InlineData("the environment has no NO", "--folder", "/tmp", "--mqtt", "a", "--mqtt-user", "u", "--mqtt-password", "${env:NO}")]
    [InlineData("is no broker", "--folder", "/tmp", "--mqtt", "http://a")]
    [InlineData("--ntfy stands without a source", "--ntfy", "a-topic")]
    [InlineData("--ntfy-token stands without --ntfy", "--folder", "/tmp", "--ntfy-token", "a")]
    [InlineData("expected an address such as rtsp://", "--url", "mailto:a@b.c")]
    [InlineData("has a line break", "--folder", "/tmp", "--mqtt", "a", "--mqtt-user", "u", "--mqtt-password", "a\nb")]
    public async Task Init_WrongFlags_AreSaidAndNothingIsWritten(string message, params string[] flags)
    {
        var result = await Cli.RunAsync(["init", .. flags, "--out", Pipeline]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Pipeline));
    }

    [Fact]
    public async Task Init_APipelineThatIsThere_IsReplacedByForceAloneAndKept()
    {
        await File.WriteAllTextAsync(Pipeline, "mine");

        var refused = await Cli.RunAsync("init", "--folder", _folder, "--out", Pipeline);
        var forced = await Cli.RunAsync("init", "--folder", _folder, "--out", Pipeline, "--force");

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("is there already; --force", refused.Error, StringComparison.Ordinal);
        Assert.True(forced.ExitCode == 0, forced.Error);
        Assert.Equal("mine", await File.ReadAllTextAsync(Pipeline + ".old"));
    }

    [Fact]
    public async Task Init_SecretsOfOthers_AreNeitherReplacedNorLost()
    {
        var secrets = Path.Combine(_folder, "secrets.env");
        await File.WriteAllTextAsync(secrets, "# mine\nCAMERA_LOGIN='u:first'\n");
        var before = await File.ReadAllTextAsync(secrets);

        var clash = await Cli.RunAsync("init", "--url", "rtsp://u:second@127.0.0.1:9/b", "--out", Pipeline);
        var afterClash = await File.ReadAllTextAsync(secrets);
        var wrong = await Cli.RunAsync(
            "init", "--url", "rtsp://u:x@127.0.0.1:9/b", "--name", "b", "--mqtt", "foo bar", "--out", Pipeline);
        var afterWrong = await File.ReadAllTextAsync(secrets);
        await Cli.RunAsync("init", "--url", "rtsp://u:second@127.0.0.1:9/b", "--name", "b", "--out", Pipeline);

        Assert.Equal((2, 2), (clash.ExitCode, wrong.ExitCode));
        Assert.Contains("has another CAMERA_LOGIN already", clash.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(".new", wrong.Error, StringComparison.Ordinal);
        Assert.Equal((before, before), (afterClash, afterWrong));
        Assert.Equal(before + "B_LOGIN='u:second'\n", await File.ReadAllTextAsync(secrets));
        var files = Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal);
        Assert.Equal(["p.yaml", "secrets.env"], files);
    }

    [Fact]
    public async Task Init_CtrlCAtAQuestion_EndsItAndWritesNothing()
    {
        using var init = Cli.Start("init", "--out", Pipeline);
        await Task.Delay(3000); // until it asks

        Cli.Signal(init, 2);

        Assert.True(init.WaitForExit(TimeSpan.FromSeconds(10)), "it goes on");
        Assert.NotEqual(0, init.ExitCode);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task Init_NobodyAnswers_SaysWhatWasAsked()
    {
        var result = await Cli.RunAsync([], ["init", "--out", Pipeline]);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("error: 'Number' was not answered; aststream init --help", result.Error, StringComparison.Ordinal);
    }

    private static void WriteTone(string path)
    {
        using var file = new WavWriter(path, 48_000, 1);
        file.Write([.. Enumerable.Range(0, 48_000).Select(i => 0.25f * MathF.Sin(i * 0.05f))]);
    }
}
