using AstStream.Streaming.Definitions;
using AstStream.Worker;

namespace AstStream.Tests.Streaming;

/// <summary>A pipeline definition that is read from a text.</summary>
internal static class DefinitionText
{
    /// <summary>Reads it, as p.yaml in a folder; gives what is wrong with it, too.</summary>
    public static (PipelineDefinition Definition, IReadOnlyList<string> Problems) Read(string folder, string yaml)
    {
        var path = Path.Combine(folder, "p.yaml");
        File.WriteAllText(path, yaml);
        var problems = new ConfigProblems();
        var definition = PipelineReader.Read(path, [], WorkerCatalog.All, problems);
        try
        {
            problems.ThrowIfAny();
            return (definition, []);
        }
        catch (InvalidPipelineException e)
        {
            return (definition, [.. e.Problems.Select(p => p.ToString())]);
        }
    }
}
