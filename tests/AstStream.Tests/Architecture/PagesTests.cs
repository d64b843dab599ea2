using System.Text.RegularExpressions;
using AstStream.Tests.Streaming;

namespace AstStream.Tests.Architecture;

/// <summary>What the documentation shows can be used as it stands.</summary>
public sealed partial class PagesTests : IDisposable
{
    private static readonly string[] s_ofTheReader = ["Could not find file", "there is no program", "station.password: "];

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Sections that a block leaves out are added; files, variables and programs of the reader's own are not asked for.</summary>
    [Fact]
    public void Definitions_OfAllPages_AreReadWithoutAProblem()
    {
        var docs = Reference.RepositoryFolder("docs");
        var pages = Directory.GetFiles(docs, "*.md", SearchOption.AllDirectories).Append(Path.Combine(docs, "..", "README.md"));
        var seen = 0;
        foreach (var page in pages)
        {
            var blocks = Block().Matches(File.ReadAllText(page)).Select(m => m.Groups[1].Value);
            foreach (var block in blocks.Where(b => Section().IsMatch(b)))
            {
                seen++;
                var sources = block.Contains("sources:", StringComparison.Ordinal) ? "" : "sources: {mic: {type: stdin}}\n";
                var sinks = Taker().IsMatch(block) ? "" : "sinks: {console: {type: console}}\n";

                var (_, problems) = DefinitionText.Read(
                    _folder, Elsewhere().Replace(block, "user:a-secret-that-is-long") + sources + sinks);

                var wrong = problems.Where(p => !s_ofTheReader.Any(r => p.Contains(r, StringComparison.Ordinal))).ToList();
                Assert.True(wrong.Count == 0, $"{Path.GetFileName(page)}: {string.Join('\n', wrong)}\n{block}");
            }
        }

        Assert.True(seen > 15, $"{seen} definitions were found");
    }

    [GeneratedRegex("^```yaml\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^(sources|models?|events|sinks|station|notify):", RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex("^(sinks|station|notify):", RegexOptions.Multiline)]
    private static partial Regex Taker();

    [GeneratedRegex(@"\$\{(env|file):[^}]+\}")]
    private static partial Regex Elsewhere();
}
