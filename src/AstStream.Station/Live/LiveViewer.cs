using System.Threading.Channels;

namespace AstStream.Station.Live;

/// <summary>
/// Somebody who looks at a stream, or listens to it, now. What comes faster than it is taken goes, the oldest first: nobody waits for a
/// viewer.
/// </summary>
/// <param name="wantsSound">Whether it listens.</param>
/// <param name="wantsFrames">Whether it looks at the spectrogram.</param>
internal sealed class LiveViewer(bool wantsSound, bool wantsFrames)
{
    private const int MostWaiting = 64; // messages: some seconds

    private readonly Channel<byte[]> _messages = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    public bool WantsSound => wantsSound;

    public bool WantsFrames => wantsFrames;

    /// <summary>What is to be sent, until the stream is over.</summary>
    public ChannelReader<byte[]> Messages => _messages.Reader;

    /// <summary>Gives it a message.</summary>
    public void Send(byte[] message) => _messages.Writer.TryWrite(message);

    /// <summary>The stream is over.</summary>
    public void End() => _messages.Writer.TryComplete();
}
