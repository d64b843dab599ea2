namespace AstStream.Streaming.Definitions;

/// <summary>What becomes of one component from one definition to another.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Before">What it was; null where it is added.</param>
/// <param name="After">What it becomes; null where it is removed.</param>
internal sealed record Change<T>(string Name, T? Before, T? After)
    where T : class
{
    public override string ToString() => $"{Name} {(Before is null ? "added" : After is null ? "removed" : "changed")}";
}
