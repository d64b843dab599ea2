using NWaves.Filters.Base;
using NWaves.Operations;
using NWaves.Signals;

namespace AstStream.Dsp;

/// <summary>What a room makes of a click, and so of any sound that is played in it.</summary>
public sealed class ImpulseResponse
{
    private const int MostSeconds = 4;

    private readonly DiscreteSignal _kernel;
    private readonly int _fftSize;

    /// <summary>Takes a recording of a click; it begins with the direct sound, and is brought to an energy of 1.</summary>
    /// <param name="samples">Mono samples of 16 kHz; at most 4 s of them count.</param>
    /// <exception cref="InvalidAudioException">It is silent.</exception>
    public ImpulseResponse(ReadOnlySpan<float> samples)
    {
        var (first, most) = (0, 0f);
        for (var i = 0; i < samples.Length; i++)
        {
            if (!float.IsFinite(samples[i]))
                throw new InvalidAudioException("an impulse response holds what is no finite number");
            if (Math.Abs(samples[i]) > most)
                (first, most) = (i, Math.Abs(samples[i]));
        }

        if (most == 0)
            throw new InvalidAudioException("an impulse response is silent");
        var kernel = samples[first..Math.Min(samples.Length, first + (MostSeconds * FbankOptions.SampleRate))].ToArray();
        var scale = (float)(1 / Math.Sqrt(kernel.Sum(v => (double)v * v)));
        _kernel = new DiscreteSignal(FbankOptions.SampleRate, [.. kernel.Select(v => v * scale)]);
        _fftSize = 1;
        while (_fftSize < 4 * kernel.Length)
            _fftSize *= 2;
    }

    /// <summary>Plays sound in the room; it stays as long as it is.</summary>
    public void Apply(Span<float> samples)
    {
        var played = Operation.BlockConvolve(
            new DiscreteSignal(FbankOptions.SampleRate, samples.ToArray()), _kernel, _fftSize, FilteringMethod.OverlapSave);
        played.Samples.AsSpan(0, samples.Length).CopyTo(samples);
    }
}
