using AstStream.Streaming.Sources;

namespace AstStream.Learning;

/// <summary>Sound that is in memory.</summary>
/// <param name="sound">Mono samples in [-1, 1].</param>
/// <param name="sampleRate">Samples a second.</param>
public sealed class ArrayReader(ReadOnlyMemory<float> sound, int sampleRate) : IAudioReader
{
    private int _read;

    /// <inheritdoc/>
    public int SampleRate => sampleRate;

    /// <inheritdoc/>
    public int Read(Span<float> samples)
    {
        var count = Math.Min(samples.Length, sound.Length - _read);
        sound.Span.Slice(_read, count).CopyTo(samples);
        _read += count;
        return count;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
