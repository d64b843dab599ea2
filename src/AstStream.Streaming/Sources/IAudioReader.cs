namespace AstStream.Streaming.Sources;

/// <summary>Sound that is read from its start to its end: mono samples in [-1, 1]. For one caller at a time.</summary>
public interface IAudioReader : IAsyncDisposable
{
    /// <summary>Samples a second.</summary>
    int SampleRate { get; }

    /// <summary>Why what was read up to now is not the whole, in words; null where it is. Known at the end.</summary>
    string? Truncation => null;

    /// <summary>What is odd about it and does no harm, in words; null where nothing is.</summary>
    string? Warning => null;

    /// <summary>Reads samples; 0 at the end. It may give fewer than fit.</summary>
    int Read(Span<float> samples);
}
