using System.Buffers;
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

    private readonly ArrayBufferWriter<byte> _columns = new();
    private readonly ArrayBufferWriter<byte> _sound = new();

    public bool WantsSound => wantsSound;

    public bool WantsFrames => wantsFrames;

    /// <summary>Waits until something is to be sent; false when the stream is over and nothing is left.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellation) => _messages.Reader.WaitToReadAsync(cancellation);

    /// <summary>What is to be sent by now, one message of each kind; they are valid until the next call.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Take()
    {
        _columns.ResetWrittenCount();
        _sound.ResetWrittenCount();
        while (_messages.Reader.TryRead(out var message))
        {
            var kind = message[0] == LiveStream.Sound ? _sound : _columns;
            kind.Write(kind.WrittenCount == 0 ? message : message.AsSpan(1));
        }

        return new[] { _columns.WrittenMemory, _sound.WrittenMemory }.Where(m => !m.IsEmpty);
    }

    /// <summary>Gives it a message.</summary>
    public void Send(byte[] message) => _messages.Writer.TryWrite(message);

    /// <summary>The stream is over.</summary>
    public void End() => _messages.Writer.TryComplete();
}
