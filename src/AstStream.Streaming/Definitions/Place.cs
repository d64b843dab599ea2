namespace AstStream.Streaming.Definitions;

/// <summary>A place in a pipeline definition.</summary>
/// <param name="File">The file, or the --set argument.</param>
/// <param name="Line">From 1; 0 where there is no line.</param>
/// <param name="Column">From 1.</param>
public readonly record struct Place(string File, long Line, long Column)
{
    /// <summary>A problem here.</summary>
    public ConfigProblem Problem(string message) => new(File, Line, Column, message);
}
