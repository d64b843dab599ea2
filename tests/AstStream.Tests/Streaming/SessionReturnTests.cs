using AstStream.Streaming.Scheduling;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

public sealed class SessionReturnTests
{
    [Fact]
    public async Task OpenAsync_AwayForDays_IsTriedUntilItCanBeHad()
    {
        var time = new FakeTimeProvider();
        var (tries, isOpen) = (0, new TaskCompletionSource());
        using var back = new SessionReturn(
            () => ++tries > 100 ? new SimulatedSession(labels: 1) : throw new IOException("away"), time, TimeSpan.FromSeconds(10),
            isOpen.SetResult);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!isOpen.Task.IsCompleted)
        {
            time.Advance(TimeSpan.FromHours(1));
            await Task.Delay(1, patience.Token);
        }

        Assert.NotNull(back.Session);
        Assert.Equal(101, tries);
    }
}
