using System.Net.Sockets;

namespace AstStream.IntegrationTests.Station;

/// <summary>A sound source that is there when it is asked to be: PCM of 16 kHz at the pace of time, for a source of type socket.</summary>
internal sealed class LiveSound : IAsyncDisposable
{
    private const int Block = 1600; // samples: a tenth of a second

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _task;

    /// <summary>Begins to play over a socket, as soon as that is there.</summary>
    public LiveSound(string socket) => _task = PlayAsync(socket, _stop.Token);

    /// <summary>Whether it beeps loudly, or is a quiet noise.</summary>
    public bool IsLoud { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _task;
        _stop.Dispose();
    }

    private async Task PlayAsync(string path, CancellationToken stop)
    {
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            while (!socket.Connected)
            {
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                }
                catch (SocketException)
                {
                    await Task.Delay(50, stop);
                }
            }

            var random = new Random(1);
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            for (long at = 0; await timer.WaitForNextTickAsync(stop); at += Block)
            {
                var bytes = new byte[2 * Block];
                for (var i = 0; i < Block; i++)
                {
                    var time = (at + i) / 16_000.0;
                    var beep = IsLoud && time % 0.5 < 0.25 ? 0.5 * Math.Sin(2 * Math.PI * 2000 * time) : 0;
                    BitConverter.TryWriteBytes(bytes.AsSpan(2 * i), (short)(32767 * (beep + (0.001 * (random.NextDouble() - 0.5)))));
                }

                await socket.SendAsync(bytes, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It is asked to be away.
        }
    }
}
