using AstStream.Dsp;
using AstStream.Streaming.Definitions;

namespace AstStream.Connectors.Capture;

/// <summary>The keys that say how raw PCM is written.</summary>
internal static class PcmKeys
{
    public static readonly Key<string> FramingKey = Keys.Choice(
        "framing", "What stands around the samples. raw, the default: nothing. wav: a WAV header, which says encoding, rate and channels. "
            + "records: records with times and marks for missing sound (docs/raw-pcm.md), which say "
            + "them too.", "raw", "raw", "wav", "records");
    public static readonly Key<string> Encoding = Keys.Choice(
        "encoding", "How a sample is written, little-endian; s16le by default.", "s16le", "u8", "s16le", "s24le", "s32le", "f32le",
        "f64le");
    public static readonly Key<int> SampleRate = Keys.Integer(
        "sample_rate", "Samples a second; 16000 by default.", 16000, PcmFormat.MinSampleRate, PcmFormat.MaxSampleRate);
    public static readonly Key<int> NumChannels = Keys.Integer(
        "channels", "Interleaved channels; 1 by default.", 1, 1, PcmFormat.MaxChannels);
    public static readonly Key[] All = [FramingKey, Encoding, SampleRate, NumChannels];

    public static PcmFraming Framing(SectionReader section) => section.Get(FramingKey) switch
    {
        "wav" => PcmFraming.Wav,
        "records" => PcmFraming.Records,
        _ => PcmFraming.Raw,
    };

    /// <summary>
    /// What the definition says of raw samples; notes a problem where it says what the framing says, or picks a channel that is not there.
    /// </summary>
    public static PcmFormat Format(SectionReader section)
    {
        var encoding = section.Get(Encoding) switch
        {
            "u8" => PcmEncoding.U8,
            "s24le" => PcmEncoding.S24,
            "s32le" => PcmEncoding.S32,
            "f32le" => PcmEncoding.F32,
            "f64le" => PcmEncoding.F64,
            _ => PcmEncoding.S16,
        };
        var format = new PcmFormat(encoding, section.Get(SampleRate), section.Get(NumChannels));
        if (Framing(section) == PcmFraming.Raw)
        {
            if (section.Get(SourceKeys.Channel) >= format.Channels)
                section.Problem(
                    SourceKeys.Channel,
                    $"channel {section.Get(SourceKeys.Channel)} was asked for, but there are {format.Channels}, numbered from 0");
            return format;
        }

        foreach (var key in All[1..].Where(section.Has))
            section.Problem(key, $"framing: {section.Get(FramingKey)} says this itself; leave it out");
        return format;
    }

    public static string Describe(string name, PcmFraming framing, PcmFormat format) => framing == PcmFraming.Raw
        ? $"{name}, {format.Encoding.ToString().ToLowerInvariant()}, {format.SampleRate} Hz, {format.Channels} "
            + $"channel{(format.Channels == 1 ? "" : "s")}"
        : $"{name}, {(framing == PcmFraming.Wav ? "WAV" : "records of PCM")}";
}
