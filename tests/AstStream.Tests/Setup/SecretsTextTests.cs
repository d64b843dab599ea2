using AstStream.Streaming.Definitions;
using FsCheck.Xunit;

namespace AstStream.Tests.Setup;

public class SecretsTextTests
{
    [Property]
    public bool Line_AnyValue_IsFoundAgain(string? value)
    {
        var text = new string([.. (value ?? "").Where(c => !char.IsControl(c))]);

        return SecretsText.Find($"# a comment\nOTHER=1\n{SecretsText.Line("NAME", text)}\n", "NAME") == text;
    }

    [Theory]
    [InlineData("A=plain words", "plain words")]
    [InlineData("A='it''s'", "it''s")]
    [InlineData("  A = \"x \\\"y\\\" \\$z \\n\"  ", "x \"y\" $z \\n")]
    [InlineData("A=1\nA=2", "2")]
    [InlineData("#A=1", null)]
    [InlineData("AB=1", null)]
    public void Find_LinesOfPeople_AreReadAsSystemdDoes(string text, string? expected) =>
        Assert.Equal(expected, SecretsText.Find(text, "A"));

    [Fact]
    public void Line_LineBreak_IsRefused() => Assert.Throws<InvalidDataException>(() => SecretsText.Line("A", "x\ny"));

    [Theory]
    [InlineData("NAME='in the file'", "in the file", "")]
    [InlineData("OTHER=1", null, "neither the environment nor secrets.env has NAME_OF_A_TEST")]
    public void Expand_NameThatTheEnvironmentLacks_IsLookedForBesideTheDefinition(string line, string? expected, string problem)
    {
        var folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
        try
        {
            var text = line.Replace("NAME=", "NAME_OF_A_TEST=", StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(folder, Expansion.SecretsFile), text);
            var problems = new List<string>();

            var value = Expansion.Expand("${env:NAME_OF_A_TEST}", folder, problems.Add);

            Assert.Equal(expected, value);
            Assert.Contains(problem, string.Join('\n', problems), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
