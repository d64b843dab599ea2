using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>
/// Follows one stream through the engine: its sound, what the models make of it, its events. Called by the lane of the stream and by what
/// decodes each model, on their own threads: it must not wait and must not throw.
/// </summary>
public interface IStreamObserver
{
    /// <summary>Whether <see cref="Framed"/> is to be called; asked for each few frames.</summary>
    bool WantsFrames { get; }

    /// <summary>A block of sound, a discontinuity or the end, before it goes on; the block stays the caller's. By the lane.</summary>
    void Heard(AudioBlock block);

    /// <summary>The stream is somebody else's from here on, or has failed: nothing more comes. By the lane.</summary>
    void Left();

    /// <summary>Log-mel frames of 10 ms, as the models get them before normalisation. By the lane.</summary>
    /// <param name="frames">One frame after the other.</param>
    /// <param name="numMelBins">Values of a frame.</param>
    void Framed(ReadOnlySpan<float> frames, int numMelBins);

    /// <summary>
    /// A model begins with the stream, or another one of that name goes on with it: what is decided from here on is that one's. By what
    /// decodes it.
    /// </summary>
    /// <param name="model">Its name in the pipeline.</param>
    /// <param name="vocabulary">Its labels.</param>
    void Begins(string model, Vocabulary vocabulary);

    /// <summary>One event, opened or closed, before it is published. By what decodes its model.</summary>
    void Detected(SoundEvent e);

    /// <summary>
    /// What became of a piece of the stream's time, in order, and after the events that it decided. By what decodes its model.
    /// </summary>
    void Decided(in DecidedPiece piece);
}
