namespace AstStream.Model.Checkpoints;

/// <summary>A dictionary in the order of its keys' arrival.</summary>
internal sealed class PickledDictionary
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}
