namespace AstStream.Model.Checkpoints;

/// <summary>
/// A checkpoint that can't be used. The message names the file, what was found, what was expected, and what to do; one line a problem.
/// </summary>
public class InvalidCheckpointException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    public InvalidCheckpointException(string message)
        : base(message)
    {
    }
}
