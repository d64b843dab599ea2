namespace AstStream.Connectors.Hub;

/// <summary>A model that can't be had from a hub. The message says which, why, and what to do.</summary>
public sealed class HubException : Exception
{
    /// <summary>Makes the exception with its whole message.</summary>
    public HubException(string message, bool isUsage = false)
        : base(message) => IsUsage = isUsage;

    /// <summary>Whether what was asked for is wrong, and nothing was tried.</summary>
    public bool IsUsage { get; }
}
