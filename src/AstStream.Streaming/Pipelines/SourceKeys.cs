namespace AstStream.Streaming.Pipelines;

/// <summary>Keys that several types of sources have.</summary>
public static class SourceKeys
{
    /// <summary>Picks a channel, or mixes all down.</summary>
    public static readonly Key<int?> Channel = Keys.WordOrIndex(
        "channel", "mix (the default): the mean of all channels; or the number of one, from 0.", "mix");
}
