using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Station.Levels;
using AstStream.Station.Live;
using AstStream.Streaming.Sources;

namespace AstStream.Station;

/// <summary>Gives what is heard of one stream to its clips, its levels and those who look at it now.</summary>
/// <param name="stream">Which one it is.</param>
/// <param name="clips">Its clips; null where none are kept.</param>
/// <param name="levels">Its levels; null where none are measured.</param>
/// <param name="live">What it is like now.</param>
/// <param name="taps">Those who look at what passes.</param>
/// <param name="ended">Hears that it is over.</param>
internal sealed class StreamObserver(
    StreamInfo stream, StreamClips? clips, StreamLevels? levels, LiveStream live, Taps taps, Action<LiveStream> ended)
    : IStreamObserver
{
    private int _isOver;

    public bool WantsFrames => live.HasFrameViewers;

    public void Heard(AudioBlock block)
    {
        clips?.Hear(block);
        levels?.Hear(block);
        live.Hear(block);
        taps.Pass(block);
        if (block.Kind == MessageKind.End)
            End();
    }

    public void Framed(ReadOnlySpan<float> frames, int numMelBins) => live.Frame(frames, numMelBins);

    public void Begins(string model, Vocabulary vocabulary) => clips?.Begin(model, vocabulary);

    public void Detected(SoundEvent e)
    {
        clips?.Take(e);
        taps.Pass(e);
    }

    public void Decided(in DecidedPiece piece)
    {
        clips?.Take(piece);
        taps.Pass(stream, piece);
        if (!piece.Scores.IsEmpty)
            live.Take(piece);
        if (piece.IsEnd)
            End();
    }

    public void Left()
    {
        clips?.End();
        levels?.End();
        End();
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
            ended(live);
    }
}
