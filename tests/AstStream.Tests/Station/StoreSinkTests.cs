using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Streaming.Sinks;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Station;

public sealed class StoreSinkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero));

    private string Store => Path.Combine(_folder, "new", "events.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FlushAsync_SoonAfterTheLast_WaitsSoThatOneTransactionTakesMore()
    {
        await using var sink = StoreSink.Make(Store, TimeSpan.FromDays(1), _time);
        await sink.OpenAsync(default);
        await sink.WriteAsync(Event(1), default);
        var flush = sink.FlushAsync(default).AsTask();
        Assert.False(flush.IsCompleted);
        Assert.Equal(0, Count());

        _time.Advance(TimeSpan.FromMilliseconds(100));
        await flush;

        Assert.Equal(1, Count());
        await sink.WriteAsync(Event(2), default);
        await sink.CompleteAsync(default); // at the end nothing waits
        Assert.Equal(2, Count());
    }

    [Fact]
    public async Task FlushAsync_WhatIsOlderThanTheRetention_Goes()
    {
        await using var sink = StoreSink.Make(Store, TimeSpan.FromHours(1), _time);
        await sink.OpenAsync(default);
        for (var i = 0; i < 4500; i++)
            await sink.WriteAsync(Event(i), default);
        await sink.CompleteAsync(default);
        _time.Advance(TimeSpan.FromMinutes(90)); // what was in the first half hour is older than an hour

        for (var i = 0; i < 3; i++)
        {
            await sink.FlushAsync(default); // some thousand at once
            _time.Advance(TimeSpan.FromMinutes(2));
        }

        Assert.Equal(4500 - (30 * 60) - (2 * 120), Count());
    }

    [Fact]
    public async Task OpenAsync_NoStore_SaysSo()
    {
        File.WriteAllText(Path.Combine(_folder, "new"), "");
        await using var sink = StoreSink.Make(Store, TimeSpan.FromDays(1), _time);
        var e = await Assert.ThrowsAsync<SinkException>(async () => await sink.OpenAsync(default));
        Assert.False(e.IsTransient);
        Assert.StartsWith(Store, e.Message, StringComparison.Ordinal);
    }

    /// <summary>An event so many seconds after twelve.</summary>
    private static SoundEvent Event(int second) => new(
        $"{second + 1:x8}", EventState.Closed, new StreamIdentity("yard", "mic", new DateTimeOffset(2026, 11, 26, 12, 0, 0, TimeSpan.Zero)),
        "model", "Dog", second, second + 0.5, 0.9f, 0.8f);

    private int Count()
    {
        using var reader = StoreReader.Open(Store);
        return reader.Events(new EventQuery()).Count();
    }
}
