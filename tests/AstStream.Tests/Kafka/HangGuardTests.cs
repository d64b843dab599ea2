using System.Collections.Concurrent;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>Calls that never come back are noticed from outside, whatever their own time limits say.</summary>
public sealed class HangGuardTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _told = new();

    public HangGuardTests() => HangGuard.Hung += _told.Enqueue;

    public void Dispose() => HangGuard.Hung -= _told.Enqueue;

    [Fact]
    public async Task Run_CallThatHangs_IsToldOnceWithItsName()
    {
        using var release = new ManualResetEventSlim();
        var call = Task.Run(() => HangGuard.Run("a call of this test", TimeSpan.FromMilliseconds(100), release.Wait));
        await UntilToldAsync("a call of this test");
        await Task.Delay(700); // two more looks

        Assert.Contains("a call of this test", HangGuard.UnderWay.Select(c => c.What));
        Assert.Matches(@"^a call of this test hangs since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, for \d+ s; expected an answer within 0 s$",
            Assert.Single(_told, t => t.StartsWith("a call of", StringComparison.Ordinal)));
        release.Set();
        await call.WaitAsync(s_patience);
        Assert.DoesNotContain("a call of this test", HangGuard.UnderWay.Select(c => c.What));
    }

    [Fact]
    public async Task Run_CallInTime_IsNotTold()
    {
        Assert.Equal(5, HangGuard.Run("a quick call of this test", TimeSpan.FromSeconds(10), () => 5));
        await Task.Delay(600);

        Assert.DoesNotContain(_told, t => t.StartsWith("a quick call", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("BeginTransaction")]
    [InlineData("SendOffsetsToTransaction")]
    [InlineData("CommitTransaction")]
    public async Task Commit_ProducerWhoseCallHangs_IsToldWithTheCall(string name)
    {
        using var release = new ManualResetEventSlim();
        var producer = Proxy<IProducer<byte[], byte[]?>>.Make((called, _) =>
        {
            if (called == name)
                release.Wait();
        });

        // Its own limit of 15 s, less this slack, is what a call may take here.
        using var log = new KafkaLog(
            new KafkaCluster(KafkaAccess.To("nowhere")), "g", "id", false, _ => { }, _ => producer, TimeSpan.FromSeconds(-14.7));
        var membership = Proxy<IConsumerGroupMetadata>.Make((_, _) => { });
        var commit = Task.Run(() => log.Commit([], [new TopicPartitionOffset("sound", 0, 1)], membership));

        await UntilToldAsync($": {name} hangs since");
        release.Set();
        await commit.WaitAsync(s_patience);
    }

    private async Task UntilToldAsync(string text)
    {
        for (var i = 0; !_told.Any(t => t.Contains(text, StringComparison.Ordinal)); i++)
        {
            Assert.True(i < 1000, $"'{text}' is not told, but: {string.Join("; ", _told)}");
            await Task.Delay(20);
        }
    }
}
