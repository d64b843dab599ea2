using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace AstStream.IntegrationTests;

/// <summary>
/// The pages for the first day work word for word: their `sh` blocks are run in one shell a page, and a YAML block is the file that the
/// line before it names. What needs hardware, a broker or an administrator stands in blocks without a language.
/// </summary>
public sealed partial class GettingStartedTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-pages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("folder", "events.jsonl", "\"stream\":\"archive/recordings/monday.wav\"")]
    [InlineData("microphone", "porch.yaml", "microphone")]
    [InlineData("camera", "yard.jsonl", "\"stream\":\"yard\"")]
    [InlineData("kafka", "pipelines/kafka.yaml", "type: kafka")]
    public async Task Page_CommandBlocks_Run(string page, string file, string text)
    {
        var root = Repository.Root;
        foreach (var name in (string[])["Makefile", "deploy", "pipelines"])
            File.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine(root, name));
        var program = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "artifacts", "aststream")).FullName, "aststream");
        File.WriteAllText(program, $"#!/bin/sh\nexec dotnet exec '{Path.Combine(AppContext.BaseDirectory, "aststream.dll")}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var script = new StringBuilder("set -euo pipefail\nshopt -s expand_aliases\n");
        foreach (Match block in Block().Matches(File.ReadAllText(Path.Combine(root, "docs", "getting-started", page + ".md"))))
        {
            var (name, language, body) = (block.Groups["name"].Value, block.Groups["language"].Value, block.Groups["body"].Value);
            if (language == "sh")
                script.Append(body);
            else if (language == "yaml" && name.Length > 0)
                File.WriteAllText(Path.Combine(_folder, name), body);
        }

        var (code, output) = await RunAsync(script.ToString());

        Assert.True(code == 0, output);
        Assert.Contains(text, File.ReadAllText(Path.Combine(_folder, file)), StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output)> RunAsync(string script)
    {
        var path = Path.Combine(_folder, "page.sh");
        File.WriteAllText(path, script);
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", "exec bash page.sh >page.log 2>&1 </dev/null"])
        {
            WorkingDirectory = _folder,
        })!;
        using var late = new CancellationTokenSource(s_patience);
        try
        {
            await shell.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            shell.Kill(entireProcessTree: true);
            await shell.WaitForExitAsync(CancellationToken.None);
        }

        return (shell.ExitCode, $"{script}\n{File.ReadAllText(Path.Combine(_folder, "page.log"))}");
    }

    [GeneratedRegex(
        @"(?:`(?<name>[\w-]+\.yaml)`:\n\n)?^```(?<language>\w*)\n(?<body>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
