using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>
/// Sees to it that partitions are read from where it was said. Among failing brokers a partition was seen to be read from its third record
/// on, though its first one was sought: what lies before would be lost without a word. So the first record after a seek is looked at. One
/// thread at a time.
/// </summary>
/// <param name="seek">Makes the consumer go on from an offset.</param>
internal sealed class SoughtOffsets(Action<TopicPartitionOffset> seek)
{
    private readonly Dictionary<TopicPartition, (long Offset, bool IsRepeated)> _sought = [];

    /// <summary>Goes on from an offset.</summary>
    /// <exception cref="KafkaException">It can't be sought now.</exception>
    public void Seek(TopicPartitionOffset place)
    {
        seek(place);
        _sought[place.TopicPartition] = (place.Offset, IsRepeated: false);
    }

    /// <summary>
    /// Whether a record is to be taken. Where it is not the one that was sought, that is sought once more. What comes then is taken: the
    /// one that was sought is not there any more, as retention has removed it, or somebody made the topic anew.
    /// </summary>
    public bool Takes(TopicPartitionOffset record)
    {
        if (_sought.Count == 0 || !_sought.TryGetValue(record.TopicPartition, out var sought))
            return true;
        if (record.Offset == sought.Offset || sought.IsRepeated)
            return _sought.Remove(record.TopicPartition);
        try
        {
            seek(new TopicPartitionOffset(record.TopicPartition, sought.Offset));
            _sought[record.TopicPartition] = (sought.Offset, IsRepeated: true);
        }
        catch (KafkaException e) when (!e.Error.IsFatal)
        {
            // With the next record.
        }

        return false;
    }

    /// <summary>A partition is assigned again, or is gone.</summary>
    public void Forget(TopicPartition partition) => _sought.Remove(partition);
}
