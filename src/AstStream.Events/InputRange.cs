namespace AstStream.Events;

/// <summary>Places in an input, such as the offsets of a topic's partition; what they mean is the source's affair.</summary>
/// <param name="First">The first place.</param>
/// <param name="Last">The last one.</param>
public readonly record struct InputRange(long First, long Last)
{
    internal static InputRange Restore(BinaryReader state) => new(state.ReadInt64(), state.ReadInt64());

    internal void Save(BinaryWriter state)
    {
        state.Write(First);
        state.Write(Last);
    }
}
