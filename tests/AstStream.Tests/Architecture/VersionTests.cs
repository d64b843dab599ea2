using System.Text.RegularExpressions;
using AstStream.Worker.Commands;

namespace AstStream.Tests.Architecture;

/// <summary>One version, everywhere.</summary>
public sealed partial class VersionTests
{
    [Fact]
    public void Changelog_NewestEntry_IsOfThisVersion()
    {
        var changes = File.ReadAllText(Path.Combine(Reference.RepositoryFolder("docs"), "..", "CHANGELOG.md"));

        var newest = Entry().Match(changes);

        Assert.True(newest.Success, "CHANGELOG.md has no entry such as '## 1.2.3 - 2026-01-31'");
        Assert.Equal(typeof(ManPages).Assembly.GetName().Version!.ToString(3), newest.Groups[1].Value);
    }

    [GeneratedRegex(@"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
