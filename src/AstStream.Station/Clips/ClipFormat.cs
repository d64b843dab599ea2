namespace AstStream.Station.Clips;

/// <summary>How clips are written.</summary>
public enum ClipFormat
{
    /// <summary>FLAC, by libsndfile; WAV where that is missing.</summary>
    Flac,

    /// <summary>WAV, 16 bits.</summary>
    Wav,
}
