using System.Globalization;
using AstStream.Dsp;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Blocks;

/// <summary>What the headers of a record of sound say. All are text.</summary>
/// <param name="Encoding">How the value is written.</param>
/// <param name="Format">Its samples; of a WAV or FLAC file, meaningless.</param>
/// <param name="FirstSample">The block's first sample, counted from the start of its session; null where it is not said.</param>
/// <param name="CaptureTime">When that sample was heard; null where it is not said.</param>
/// <param name="Session">Tells one run of a device from the next one, which counts from 0 again.</param>
internal readonly record struct BlockFormat(
    BlockEncoding Encoding, PcmFormat Format, long? FirstSample, DateTimeOffset? CaptureTime, string Session)
{
    public const string EncodingHeader = "encoding";
    public const string SampleRateHeader = "sample_rate";
    public const string ChannelsHeader = "channels";
    public const string FirstSampleHeader = "first_sample";
    public const string CaptureTimeHeader = "capture_time";
    public const string SessionHeader = "session";

    /// <summary>The most channels of a record.</summary>
    public const int MaxChannels = 64;

    private const int MaxSession = 64;
    private const long MaxSample = 1L << 50;
    private const long MaxSeconds = 100L * 365 * 86_400;

    /// <summary>The words for encodings.</summary>
    public static readonly IReadOnlyDictionary<string, (BlockEncoding Encoding, PcmEncoding Samples)> Encodings = new Dictionary<string, (
        BlockEncoding, PcmEncoding)>(StringComparer.Ordinal)
    {
        ["s16le"] = (BlockEncoding.Raw, PcmEncoding.S16),
        ["f32le"] = (BlockEncoding.Raw, PcmEncoding.F32),
        ["l16"] = (BlockEncoding.L16, PcmEncoding.S16),
        ["s24le"] = (BlockEncoding.Raw, PcmEncoding.S24),
        ["s32le"] = (BlockEncoding.Raw, PcmEncoding.S32),
        ["u8"] = (BlockEncoding.Raw, PcmEncoding.U8),
        ["wav"] = (BlockEncoding.Wav, PcmEncoding.S16),
        ["flac"] = (BlockEncoding.Flac, PcmEncoding.S16),
    };

    /// <summary>Reads the headers; what they do not say is as <paramref name="otherwise"/>.</summary>
    /// <exception cref="InvalidBlockException">A header can't be right.</exception>
    public static BlockFormat Read(Headers headers, BlockFormat otherwise)
    {
        var (encoding, format, first, captured, session) = otherwise;
        for (var i = 0; i < headers.Count; i++)
        {
            var header = headers[i];
            switch (header.Key)
            {
                case EncodingHeader:
                    var word = Text(header);
                    if (!Encodings.TryGetValue(word, out var known))
                        throw new InvalidBlockException(
                            $"header {EncodingHeader} is '{word}'; expected {string.Join(", ", Encodings.Keys)}");
                    encoding = known.Encoding;
                    format = format with { Encoding = known.Samples };
                    break;
                case SampleRateHeader:
                    format = format with { SampleRate = (int)Number(header, PcmFormat.MinSampleRate, PcmFormat.MaxSampleRate) };
                    break;
                case ChannelsHeader:
                    format = format with { Channels = (int)Number(header, 1, MaxChannels) };
                    break;
                case FirstSampleHeader:
                    first = Number(header, 0, MaxSample);
                    break;
                case CaptureTimeHeader:
                    var text = Text(header);
                    if (!DateTimeOffset.TryParse(
                        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
                        || time.Year is < 1970 or > 2200)
                        throw new InvalidBlockException(
                            $"header {CaptureTimeHeader} is '{text}'; expected a time from 1970 to 2200 such as 2026-01-31T12:00:00.000Z");
                    captured = time;
                    break;
                case SessionHeader:
                    session = Text(header);
                    break;
            }
        }

        if (first / format.SampleRate > MaxSeconds)
            throw new InvalidBlockException(
                $"header {FirstSampleHeader} is '{first}', {first / format.SampleRate / 86400 / 365} years after the session's start; "
                    + $"expected at most 100");
        return new BlockFormat(encoding, format, first, captured, session);
    }

    /// <summary>The word for its encoding.</summary>
    public string Word
    {
        get
        {
            var encoding = (Encoding, Format.Encoding);
            return Encodings.First(e => e.Value == encoding).Key;
        }
    }

    /// <summary>Writes the headers.</summary>
    public Headers ToHeaders()
    {
        var format = Format;
        var headers = new Headers
        {
            { EncodingHeader, Bytes(Word) },
            { SampleRateHeader, Bytes(format.SampleRate.ToString(CultureInfo.InvariantCulture)) },
            { ChannelsHeader, Bytes(format.Channels.ToString(CultureInfo.InvariantCulture)) },
        };
        if (FirstSample is { } first)
            headers.Add(FirstSampleHeader, Bytes(first.ToString(CultureInfo.InvariantCulture)));
        if (CaptureTime is { } time)
            headers.Add(CaptureTimeHeader, Bytes(time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)));
        if (Session.Length > 0)
            headers.Add(SessionHeader, Bytes(Session));
        return headers;
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static long Number(IHeader header, long min, long max)
    {
        Span<char> text = stackalloc char[20];
        if (Bytes(header) is { Length: > 0 and <= 20 } bytes && System.Text.Encoding.Latin1.GetChars(bytes, text) == bytes.Length
            && long.TryParse(text[..bytes.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min
                && number <= max)
            return number;
        throw new InvalidBlockException($"header {header.Key} is '{Text(header)}'; expected a whole number from {min} to {max}");
    }

    /// <summary>A header's value as text that can be shown.</summary>
    private static string Text(IHeader header)
    {
        var bytes = Bytes(header);
        return Printable.Text(System.Text.Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, MaxSession))));
    }

    private static byte[] Bytes(IHeader header) => header.GetValueBytes() ?? [];
}
