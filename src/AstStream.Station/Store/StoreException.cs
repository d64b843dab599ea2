namespace AstStream.Station.Store;

/// <summary>A store that can't be used. The message says where, what happened and what to do.</summary>
public sealed class StoreException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    /// <param name="message">Where, what happened, what to do.</param>
    /// <param name="isTransient">Whether it may go better later: a full disk can be emptied, a damaged file stays damaged.</param>
    public StoreException(string message, bool isTransient = false)
        : base(message) => IsTransient = isTransient;

    /// <summary>Whether it may go better later.</summary>
    public bool IsTransient { get; }
}
