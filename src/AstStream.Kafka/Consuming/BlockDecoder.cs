using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>Decodes values where librdkafka has them: bytes are not copied. For one consumer.</summary>
internal sealed class BlockDecoder(KafkaSourceOptions options) : IDeserializer<BlockValue>
{
    private const int MostFormats = 64;

    private readonly Dictionary<PcmFormat, PcmDecoder> _decoders = [];

    public BlockValue Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        if (isNull)
            return default;
        try
        {
            if (data.Length > options.MaxRecord)
                throw new InvalidBlockException(
                    $"a record of {data.Length} bytes; expected at most {options.MaxRecord}, which max_record sets");
            if (data.IsEmpty)
                throw new InvalidBlockException("a record of 0 bytes; a stream ends with a record whose value is null");
            var block = BlockFormat.Read(context.Headers, options.Otherwise);
            return block.Encoding switch
            {
                BlockEncoding.Wav => Wav(data, block),
                BlockEncoding.Flac => Flac(data, block),
                _ => Pcm(data, block),
            };
        }
        catch (Exception e) when (e is InvalidBlockException or InvalidAudioException or ArgumentException or OverflowException)
        {
            return new BlockValue
            {
                Length = data.Length,
                Problem = e.Message,
                Kept = data[..Math.Min(data.Length, BlockValue.MostKept)].ToArray()
            };
        }
    }

    private BlockValue Pcm(ReadOnlySpan<byte> data, BlockFormat block)
    {
        var format = block.Format;
        if (data.Length % format.BytesPerFrame != 0)
            throw new InvalidBlockException(
                $"{data.Length} bytes; expected a multiple of {format.BytesPerFrame}, the samples of {format.Channels} channels");
        if (!_decoders.TryGetValue(format, out var decoder))
        {
            if (_decoders.Count >= MostFormats)
                _decoders.Clear();
            decoder = _decoders[format] = new PcmDecoder(format, options.Channel, "the record");
        }

        var sound = AudioBlock.Rent(format.SampleRate, data.Length / format.BytesPerFrame);
        if (block.Encoding == BlockEncoding.L16)
        {
            var words = new short[data.Length / sizeof(short)];
            BinaryPrimitives.ReverseEndianness(MemoryMarshal.Cast<byte, short>(data), words);
            decoder.Decode(MemoryMarshal.AsBytes(words.AsSpan()), sound.Samples);
        }
        else
        {
            decoder.Decode(data, sound.Samples);
        }

        return new BlockValue { Length = data.Length, Format = block, Sound = sound };
    }

    private BlockValue Flac(ReadOnlySpan<byte> data, BlockFormat block)
    {
        var (samples, most) = (new List<float>(), options.MaxRecord / sizeof(short));
        PcmFormat format;
        try
        {
            format = FlacReader.Decode(data, most, samples);
        }
        catch (InvalidAudioException e) when (samples.Count > most)
        {
            throw new InvalidBlockException($"{e.Message}; expected no more than max_record holds as 16-bit PCM");
        }

        if (samples.Count == 0)
            throw new InvalidBlockException("a FLAC file without a sample");
        return Pcm(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(samples)),
            block with { Encoding = BlockEncoding.Raw, Format = format }) with
        { Length = data.Length };
    }

    private BlockValue Wav(ReadOnlySpan<byte> data, BlockFormat block)
    {
        using var wav = new WavReader(new MemoryStream(data.ToArray()), "the record", options.Channel);
        if (wav.Truncation is { } truncation)
            throw new InvalidBlockException(truncation);
        var sound = AudioBlock.Rent(wav.Format.SampleRate, (int)Math.Min(wav.NumSamples ?? data.Length, data.Length));
        var read = 0;
        for (int n; read < sound.Samples.Length && (n = wav.Read(sound.Samples[read..])) > 0;)
            read += n;
        if (read == 0)
        {
            sound.Return();
            throw new InvalidBlockException("a WAV file without a sample");
        }

        sound.Resize(read);
        return new BlockValue { Length = data.Length, Format = block with { Format = wav.Format }, Sound = sound };
    }
}
