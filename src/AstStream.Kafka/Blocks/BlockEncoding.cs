namespace AstStream.Kafka.Blocks;

/// <summary>How the value of a record of sound is written; docs/wire-format.md.</summary>
internal enum BlockEncoding
{
    /// <summary>Samples and nothing else, little-endian.</summary>
    Raw,

    /// <summary>16-bit samples, big-endian, as RTP's L16 is.</summary>
    L16,

    /// <summary>A whole WAV file.</summary>
    Wav,

    /// <summary>A whole FLAC file.</summary>
    Flac,
}
