using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Streaming;

/// <summary>Notes the windows that were scored.</summary>
internal sealed class WindowWatcher : IStreamObserver
{
    public List<(long Start, long End, bool IsInTurn)> Windows { get; } = [];

    public IReadOnlyList<string> Labels { get; private set; } = [];

    public bool WantsFrames => false;

    public void Heard(AudioBlock block)
    {
    }

    public void Left()
    {
    }

    public void Framed(ReadOnlySpan<float> frames, int numMelBins)
    {
    }

    public void Begins(string model, Vocabulary vocabulary) => Labels = vocabulary.Labels;

    public void Detected(SoundEvent e) => Assert.Contains(e.Label, Labels);

    public void Decided(in DecidedPiece piece)
    {
        if (!piece.Scores.IsEmpty)
            Windows.Add((piece.Start, piece.End, piece.IsInTurn));
    }
}
