namespace AstStream.Dsp;

/// <summary>How one PCM sample is written. All are little-endian.</summary>
public enum PcmEncoding
{
    /// <summary>Unsigned 8-bit, 128 is silence.</summary>
    U8,

    /// <summary>Signed 16-bit.</summary>
    S16,

    /// <summary>Signed 24-bit in three bytes.</summary>
    S24,

    /// <summary>Signed 32-bit.</summary>
    S32,

    /// <summary>IEEE float, full scale ±1.</summary>
    F32,

    /// <summary>IEEE double, full scale ±1.</summary>
    F64,
}
