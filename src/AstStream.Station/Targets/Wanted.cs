namespace AstStream.Station.Targets;

/// <summary>What a target sends with a notification of an event that has closed, where there is a clip.</summary>
[Flags]
internal enum Wanted
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A spectrogram of the clip.</summary>
    Picture = 1,

    /// <summary>The clip.</summary>
    Sound = 2,
}
