namespace AstStream.Connectors.Capture;

/// <summary>How raw PCM is framed.</summary>
internal enum PcmFraming
{
    /// <summary>Nothing but samples; the definition says encoding, rate and channels.</summary>
    Raw,

    /// <summary>A WAV header, then samples to the end, whatever length it promises.</summary>
    Wav,

    /// <summary>Records with a time and a mark for missing sound; docs/raw-pcm.md describes them.</summary>
    Records,
}
