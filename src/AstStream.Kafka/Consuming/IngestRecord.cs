using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sources;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>
/// A record on its way from the consumer to the pump. Whoever holds it returns it, once; what was taken out of it is not returned.
/// </summary>
internal sealed class IngestRecord(PartitionLease lease, long offset, string key, BlockValue value, Headers headers, DateTime written)
{
    private const long LatestTimestamp = 7_258_118_400_000; // the year 2200

    private AudioBlock? _sound = value.Sound;

    /// <summary>Its partition.</summary>
    public PartitionLease Lease => lease;

    /// <summary>Its offset.</summary>
    public long Offset => offset;

    /// <summary>Its stream.</summary>
    public string Key => key;

    /// <summary>Its value.</summary>
    public BlockValue Value => value;

    /// <summary>Its headers.</summary>
    public Headers Headers => headers;

    /// <summary>When it was written.</summary>
    public DateTime Written => written;

    /// <summary>The memory that it takes, in bytes.</summary>
    public int Size { get; } = value.Size;

    /// <summary>When a record was written by its timestamp; producers write what they like.</summary>
    public static DateTime TimeOf(Timestamp timestamp) =>
        DateTime.UnixEpoch.AddMilliseconds(Math.Clamp(timestamp.UnixTimestampMs, 0, LatestTimestamp));

    /// <summary>Takes the samples out, as a stream's from a sample on.</summary>
    public AudioBlock Take(StreamInfo stream, long start)
    {
        var sound = _sound!;
        _sound = null;
        sound.Place(stream, start);
        return sound;
    }

    public void Return()
    {
        _sound?.Return();
        _sound = null;
    }
}
