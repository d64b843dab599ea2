namespace AstStream.Streaming.Definitions;

/// <summary>A pipeline definition that can't be run: all its problems at once.</summary>
public sealed class InvalidPipelineException : Exception
{
    /// <summary>Makes the exception.</summary>
    public InvalidPipelineException(IReadOnlyList<ConfigProblem> problems)
        : base(string.Join('\n', problems)) => Problems = problems;

    /// <summary>The problems, in the order of the file.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }
}
