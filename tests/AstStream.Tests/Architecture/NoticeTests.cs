using System.Text.Json;

namespace AstStream.Tests.Architecture;

/// <summary>What is published says what it redistributes.</summary>
public class NoticeTests
{
    [Fact]
    public void Notice_OfTheWorkersPackages_NamesThemAll()
    {
        var path = Path.Combine(ArchitectureTests.Root, "AstStream.Worker", "packages.lock.json");
        using var locked = JsonDocument.Parse(File.ReadAllText(path));
        var packages = locked.RootElement.GetProperty("dependencies").EnumerateObject().SelectMany(p => p.Value.EnumerateObject())
            .Where(p => p.Value.GetProperty("type").GetString() != "Project").Select(p => p.Name).ToHashSet(StringComparer.Ordinal);
        packages.Remove("Microsoft.CodeAnalysis.BannedApiAnalyzers"); // of the build
        var named = File.ReadAllText(Path.Combine(ArchitectureTests.Repository, "NOTICE"))
            .Split([',', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

        Assert.True(packages.Count > 20);
        Assert.Empty(packages.Except(named));
    }
}
