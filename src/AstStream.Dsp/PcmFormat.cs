namespace AstStream.Dsp;

/// <summary>Interleaved PCM: encoding, samples a second, channels.</summary>
public readonly record struct PcmFormat(PcmEncoding Encoding, int SampleRate, int Channels)
{
    /// <summary>The lowest sample rate that is taken.</summary>
    public const int MinSampleRate = 1_000;

    /// <summary>The highest sample rate that is taken.</summary>
    public const int MaxSampleRate = 1_000_000;

    /// <summary>The most channels that are taken.</summary>
    public const int MaxChannels = 256;

    /// <summary>Bytes of one sample of one channel.</summary>
    public int BytesPerSample => Encoding switch
    {
        PcmEncoding.U8 => 1,
        PcmEncoding.S16 => 2,
        PcmEncoding.S24 => 3,
        PcmEncoding.S32 or PcmEncoding.F32 => 4,
        _ => 8,
    };

    /// <summary>Bytes of one sample of all channels.</summary>
    public int BytesPerFrame => BytesPerSample * Channels;

    /// <summary>Throws unless rate and channels are in range and the picked channel exists.</summary>
    /// <exception cref="InvalidAudioException">Something is out of range.</exception>
    public void Validate(string name, int? channel = null)
    {
        if (Channels is < 1 or > MaxChannels)
            throw new InvalidAudioException($"{name}: {Channels} channels; expected 1 to {MaxChannels}");
        if (SampleRate is < MinSampleRate or > MaxSampleRate)
            throw new InvalidAudioException($"{name}: a sample rate of {SampleRate} Hz; expected {MinSampleRate} to {MaxSampleRate} Hz");
        if (channel is { } c && (c < 0 || c >= Channels))
            throw new InvalidAudioException($"{name}: channel {c} was asked for, but it has {Channels}, numbered from 0");
    }
}
