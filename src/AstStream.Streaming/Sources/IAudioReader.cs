namespace AstStream.Streaming.Sources;

/// <summary>Sound that is read from its start to its end: mono samples in [-1, 1]. For one caller at a time.</summary>
public interface IAudioReader : IAsyncDisposable
{
    /// <summary>Samples a second.</summary>
    int SampleRate { get; }

    /// <summary>Reads samples; 0 at the end. It may give fewer than fit.</summary>
    int Read(Span<float> samples);
}
