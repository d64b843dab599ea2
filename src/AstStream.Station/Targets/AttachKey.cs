using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>The key that says what a target sends besides words.</summary>
internal static class AttachKey
{
    private const string Picture = "picture";
    private const string Sound = "sound";
    private const string None = "none";

    /// <summary>The key.</summary>
    public static Key<IReadOnlyList<string>> Key { get; } = Keys.Choices(
        "attach", "What goes with a notification of an event that has closed, where a station keeps its clip: picture (a spectrogram; the "
            + "default), sound, both, or none. Such a notification waits for the clip, for at most 20 s; others pass it.", [Picture],
        Picture, Sound, None);

    /// <summary>Reads it.</summary>
    public static Wanted Read(SectionReader section)
    {
        var words = section.Get(Key);
        if (words.Contains(None) && words.Count > 1)
            section.Problem(Key, "says none and more; expected none, or what is sent");
        return (words.Contains(Picture) ? Wanted.Picture : Wanted.None) | (words.Contains(Sound) ? Wanted.Sound : Wanted.None);
    }
}
