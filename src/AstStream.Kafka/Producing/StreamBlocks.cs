using System.Runtime.InteropServices;
using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Producing;

/// <summary>One stream's samples from a place on that make no whole block yet.</summary>
internal sealed class StreamBlocks(StreamInfo stream, bool isFloat, TimeSpan block)
{
    private readonly string _session = Guid.NewGuid().ToString("N")[..16];
    private readonly List<float> _samples = [];
    private long _start;
    private int _rate;

    /// <summary>Whether sound joins what is here.</summary>
    public bool Joins(AudioRecord record) =>
        record.Kind == MessageKind.Data && record.SampleRate == _rate && record.Start == _start + _samples.Count;

    /// <summary>Begins at another place. What was here must have been taken.</summary>
    public void Begin(long start, int sampleRate) => (_start, _rate) = (start, sampleRate);

    /// <summary>Adds sound that joins.</summary>
    public void Add(ReadOnlySpan<float> samples) => _samples.AddRange(samples);

    /// <summary>Takes a whole block; null where there is none.</summary>
    /// <param name="all">Whether less than a block will do: the stream does not go on after it.</param>
    public (byte[] Value, BlockFormat Format)? Take(bool all)
    {
        var whole = Math.Max(1, (int)(block.TotalSeconds * _rate));
        if (_samples.Count == 0 || (_samples.Count < whole && !all))
            return null;
        var length = Math.Min(whole, _samples.Count);
        var samples = CollectionsMarshal.AsSpan(_samples)[..length];
        byte[] bytes;
        if (isFloat)
        {
            bytes = MemoryMarshal.AsBytes(samples).ToArray();
        }
        else
        {
            bytes = new byte[length * sizeof(short)];
            WavWriter.ToPcm16(samples, bytes);
        }

        var format = new BlockFormat(
            BlockEncoding.Raw,
            new PcmFormat(isFloat ? PcmEncoding.F32 : PcmEncoding.S16, _rate, 1),
            _start,
            stream.TimeAt((double)_start / _rate),
            _session);
        _samples.RemoveRange(0, length);
        _start += length;
        return (bytes, format);
    }
}
