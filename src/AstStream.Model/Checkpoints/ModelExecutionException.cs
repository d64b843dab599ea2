namespace AstStream.Model.Checkpoints;

/// <summary>
/// A model that can't be run as it was asked for: its provider, precision, window or parity. The message says what was found, what was
/// expected, and what to do.
/// </summary>
public sealed class ModelExecutionException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    public ModelExecutionException(string message)
        : base(message)
    {
    }
}
