using AstStream.Kafka.Consuming;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>The first records after a seek.</summary>
public sealed class SoughtOffsetsTests
{
    private static readonly TopicPartition s_partition = new("audio", 3);
    private readonly List<long> _seeks = [];
    private readonly SoughtOffsets _sought;
    private int _failures;

    public SoughtOffsetsTests() => _sought = new SoughtOffsets(place =>
    {
        _seeks.Add(place.Offset.Value);
        if (_failures-- > 0)
            throw new KafkaException(ErrorCode.Local_State);
    });

    [Fact]
    public void Takes_RecordThatWasSought_TakesItAndAllThatFollow()
    {
        _sought.Seek(At(7));

        Assert.True(_sought.Takes(At(7)));
        Assert.True(_sought.Takes(At(9)));
        Assert.True(_sought.Takes(new TopicPartitionOffset("audio", 4, 2)));
        Assert.Equal([7], _seeks);
    }

    /// <summary>The consumer goes on from what it had fetched before: what was sought comes after it is sought again.</summary>
    [Theory]
    [InlineData(9)]
    [InlineData(2)]
    public void Takes_SeekWasLost_SeeksAgainAndTakesNothingBefore(long first)
    {
        _sought.Seek(At(7));

        Assert.False(_sought.Takes(At(first)));
        Assert.Equal([7, 7], _seeks);
        Assert.True(_sought.Takes(At(7)));
        Assert.True(_sought.Takes(At(8)));
        Assert.Equal([7, 7], _seeks);
    }

    /// <summary>Retention has removed it; or somebody made the topic anew, and it begins at 0 again.</summary>
    [Theory]
    [InlineData(9)]
    [InlineData(0)]
    public void Takes_WhatWasSoughtIsNotThereAnyMore_GoesOnWithWhatThereIs(long first)
    {
        _sought.Seek(At(7));

        Assert.False(_sought.Takes(At(first)));
        Assert.True(_sought.Takes(At(first)));
        Assert.True(_sought.Takes(At(first + 1)));
        Assert.Equal([7, 7], _seeks);
    }

    [Fact]
    public void Takes_CannotBeSoughtNow_IsSoughtWithTheNextRecord()
    {
        _sought.Seek(At(7));
        _failures = 1;

        Assert.False(_sought.Takes(At(9)));
        Assert.False(_sought.Takes(At(10)));
        Assert.True(_sought.Takes(At(7)));
        Assert.Equal([7, 7, 7], _seeks);
    }

    [Fact]
    public void Forget_PartitionIsGone_TakesWhatComes()
    {
        _sought.Seek(At(7));
        _sought.Forget(s_partition);

        Assert.True(_sought.Takes(At(9)));
    }

    private static TopicPartitionOffset At(long offset) => new(s_partition, offset);
}
