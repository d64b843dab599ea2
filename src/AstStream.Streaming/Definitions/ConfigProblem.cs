namespace AstStream.Streaming.Definitions;

/// <summary>One thing that is wrong in a pipeline definition.</summary>
/// <param name="File">The file, or the --set argument.</param>
/// <param name="Line">From 1; 0 where there is no line.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What was found, what was expected, what to do.</param>
public sealed record ConfigProblem(string File, long Line, long Column, string Message)
{
    /// <summary>file:line:column: message.</summary>
    public override string ToString() => Line > 0 ? $"{File}:{Line}:{Column}: {Message}" : $"{File}: {Message}";
}
