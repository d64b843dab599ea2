namespace AstStream.Dsp;

/// <summary>
/// Sound that can't be read as what it claims to be. The message says what, where, what was found and expected, and what to do.
/// </summary>
public sealed class InvalidAudioException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    public InvalidAudioException(string message)
        : base(message)
    {
    }

    /// <summary>Whether it may be sound all the same, in a format that is not read here.</summary>
    public bool IsOtherFormat { get; init; }
}
