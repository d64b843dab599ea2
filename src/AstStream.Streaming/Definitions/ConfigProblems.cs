namespace AstStream.Streaming.Definitions;

/// <summary>
/// The problems of one definition: whoever reads or checks a part of it adds what is wrong, and all are reported at once.
/// </summary>
internal sealed class ConfigProblems
{
    private readonly List<ConfigProblem> _found = [];

    public void Add(ConfigProblem problem) => _found.Add(problem);

    /// <exception cref="InvalidPipelineException">There are problems: all of them, in the order of the file.</exception>
    public void ThrowIfAny()
    {
        if (_found.Count > 0)
            throw new InvalidPipelineException([.. _found.OrderBy(p => p.Line).ThenBy(p => p.Column)]);
    }
}
