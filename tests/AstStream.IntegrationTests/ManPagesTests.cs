using System.Text.RegularExpressions;

namespace AstStream.IntegrationTests;

/// <summary>The manual pages that packages hold.</summary>
public sealed partial class ManPagesTests : IDisposable
{
    private static readonly string[] s_requests = ["TH", "SH", "TP", "PP", "B", "I", "BR", "EX", "EE"];

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Man_AllCommands_HaveAPageOfGoodTroff()
    {
        var help = (await Cli.RunAsync("--help")).Output;
        List<string> commands = [.. CommandLine().Matches(help.Split("Commands:")[1].Split("Examples:")[0])
            .Select(m => m.Groups[1].Value)];

        var result = await Cli.RunAsync("man", _folder);

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.NotEmpty(commands);
        Assert.Equal(
            commands.Select(c => $"aststream-{c}.1").Append("aststream.1").Order(StringComparer.Ordinal),
            Directory.GetFiles(_folder).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
        foreach (var page in Directory.GetFiles(_folder))
        {
            var lines = await File.ReadAllLinesAsync(page);
            Assert.StartsWith(".TH ASTSTREAM", lines[0], StringComparison.Ordinal);
            Assert.All(
                lines.Where(l => l.StartsWith('.') || l.StartsWith('\'')),
                l => Assert.Contains(l[1..].Split(' ')[0], s_requests));
            Assert.All(lines.Where(l => !l.StartsWith('.')), l => Assert.DoesNotMatch(@"(?<!\\)-", l)); // one that can't be copied
        }
    }

    [Fact]
    public async Task Man_PartsOfACommand_StandInItsPage()
    {
        await Cli.RunAsync("man", _folder);

        var page = await File.ReadAllTextAsync(Path.Combine(_folder, "aststream-kafka.1"));

        Assert.Contains(".SH FEED\n.B aststream kafka feed\n\\fIFILE\\fR...\n[\\fIoptions\\fR]\n", page, StringComparison.Ordinal);
        Assert.Contains("\n.TP\n\\fB\\-\\-topic\\fR \\fIT\\fR\nThe topic.\n", page, StringComparison.Ordinal);
        Assert.Contains("\n.EX\n  aststream kafka tail events\n", page, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^  ([a-z]+)\b", RegexOptions.Multiline)]
    private static partial Regex CommandLine();
}
