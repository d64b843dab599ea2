using System.Diagnostics;

namespace AstStream.IntegrationTests;

/// <summary>What a shell offers after its script was read.</summary>
public sealed class CompletionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("aststream no", "notify")]
    [InlineData("aststream notify te", "test")]
    [InlineData("aststream run --log-l", "--log-level")]
    [InlineData("aststream run ", "")] // a file, which the shell completes
    [InlineData("aststream completion f", "fish")]
    public async Task Bash_ALineThatIsBegun_IsCompletedByTheProgram(string line, string expected)
    {
        var script = (await Cli.RunAsync("completion", "bash")).Output;
        await File.WriteAllTextAsync(Path.Combine(_folder, "completion"), script);
        var program = Path.Combine(_folder, "aststream");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\nexec dotnet exec '{Cli.Program}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var words = line.Split(' ');

        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", $$"""
            source {{_folder}}/completion
            COMP_WORDS=({{program}} {{string.Join(' ', words[1..].Select(w => w.Length == 0 ? "''" : w))}})
            COMP_CWORD={{words.Length - 1}} COMP_LINE='{{line}}' COMP_POINT={{line.Length}}
            _aststream
            printf '%s' "${COMPREPLY[*]}"
            """])
        { RedirectStandardOutput = true })!;
        var offered = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();

        Assert.Equal(expected, offered);
    }
}
