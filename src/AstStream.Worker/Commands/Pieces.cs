using System.Globalization;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;

namespace AstStream.Worker.Commands;

/// <summary>Pieces of recordings, as clips to learn from: files of their own, which go when it is disposed.</summary>
internal sealed class Pieces : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _count;

    /// <summary>A recording's samples, mono at 16 kHz; null where it can't be read, which is said.</summary>
    /// <param name="path">The recording.</param>
    /// <param name="seconds">The most that is wanted.</param>
    /// <param name="progress">What is cleared for the message.</param>
    /// <param name="stop">Gives up.</param>
    public static async Task<float[]?> ReadAsync(string path, double seconds, ProgressLine progress, CancellationToken stop)
    {
        try
        {
            await using var sound = await AudioFile.OpenAsync(path, stop: stop).ConfigureAwait(false);
            var samples = ClipSamples.Read(sound, seconds);
            return samples.All(float.IsFinite) ? samples
                : throw new InvalidAudioException($"{path}: holds samples that are no finite numbers");
        }
        catch (Exception e) when (e is InvalidAudioException or IOException or UnauthorizedAccessException)
        {
            progress.Clear();
            Errors.Write(e.Message);
            return null;
        }
    }

    /// <summary>Writes a piece.</summary>
    /// <param name="path">The recording that it is of.</param>
    /// <param name="begin">Where it begins there, in seconds.</param>
    /// <param name="samples">The piece.</param>
    /// <param name="labels">What is in it.</param>
    /// <param name="group">What splits by recording keep together.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public LabelledClip Write(string path, double begin, ReadOnlySpan<float> samples, IReadOnlyList<string> labels, string group)
    {
        var file = Path.Combine(_folder.Path, string.Create(CultureInfo.InvariantCulture, $"{_count++:000000}.wav"));
        using (var writer = new WavWriter(file, FbankOptions.SampleRate, 1))
            writer.Write(samples);
        return new LabelledClip(file, labels, group, "")
        {
            CutFrom = string.Create(CultureInfo.InvariantCulture, $"{path} at {begin:0.0} s"),
        };
    }

    public void Dispose() => _folder.Dispose();
}
