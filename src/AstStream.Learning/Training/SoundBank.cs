using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Streaming.Sources;

namespace AstStream.Learning.Training;

/// <summary>
/// Clips as mono samples of 16 kHz, in one file: a training reads each of them many times, and memory need not hold them. The file goes
/// when the bank is closed.
/// </summary>
public sealed class SoundBank : IDisposable
{
    private readonly FileStream _file;

    private SoundBank(string path) => _file = new FileStream(
        path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 20, FileOptions.DeleteOnClose);

    /// <summary>Fills a bank.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public static SoundBank Create(string path) => new(path);

    /// <summary>Adds clips, in their order, as far as they can be read.</summary>
    /// <param name="clips">The clips.</param>
    /// <param name="seconds">How much of each, from its beginning.</param>
    /// <param name="open">Opens a file of sound.</param>
    /// <param name="failed">Hears of clips that can't be read, and why.</param>
    /// <param name="added">Called after each clip.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="IOException">The bank can't be written.</exception>
    public async Task<IReadOnlyList<BankedClip>> AddAsync(
        IReadOnlyList<LabelledClip> clips, double seconds, Func<string, CancellationToken, Task<IAudioReader>> open,
        Action<LabelledClip, string> failed, Action added, CancellationToken stop)
    {
        var banked = new List<BankedClip>();
        foreach (var clip in clips)
        {
            stop.ThrowIfCancellationRequested();
            if (await ReadAsync(clip, seconds, open, failed, stop).ConfigureAwait(false) is { } samples)
            {
                var first = _file.Length / sizeof(float);
                _file.Position = _file.Length;
                _file.Write(MemoryMarshal.AsBytes(samples.AsSpan()));
                _file.Flush();
                banked.Add(new BankedClip(clip, ContentOf(clip, samples), first, samples.Length));
            }

            added();
        }

        return banked;
    }

    /// <summary>Reads some samples of a clip. Threads may read at the same time.</summary>
    public void Read(BankedClip clip, int from, Span<float> to)
    {
        var bytes = MemoryMarshal.AsBytes(to);
        for (var at = (clip.First + from) * sizeof(float); !bytes.IsEmpty;)
        {
            var read = RandomAccess.Read(_file.SafeFileHandle, bytes, at);
            if (read == 0)
                throw new IOException($"{_file.Name}: was cut off while it was used");
            at += read;
            bytes = bytes[read..];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static async Task<float[]?> ReadAsync(
        LabelledClip clip, double seconds, Func<string, CancellationToken, Task<IAudioReader>> open, Action<LabelledClip, string> failed,
        CancellationToken stop)
    {
        try
        {
            await using var sound = await open(clip.Path, stop).ConfigureAwait(false);
            var samples = ClipSamples.Read(sound, seconds);
            if (samples.Length < FbankOptions.FrameLength)
                throw new InvalidAudioException(ClipFeatures.TooShort(clip.Path));
            if (samples.Any(s => !float.IsFinite(s)))
                throw new InvalidAudioException($"{clip.Path}: holds samples that are no finite numbers");
            return samples;
        }
        catch (Exception e) when (e is InvalidAudioException or IOException or UnauthorizedAccessException)
        {
            failed(clip, e.Message);
            return null;
        }
    }

    /// <summary>Silence is no recording that others could be the same as, unless it is the same file.</summary>
    private static string ContentOf(LabelledClip clip, float[] samples) => Convert.ToHexStringLower(SHA256.HashData(
        samples.AsSpan().IndexOfAnyExcept(samples[0]) < 0
            ? Encoding.UTF8.GetBytes(EmbeddingCache.KeyOf(clip.Path)) : MemoryMarshal.AsBytes(samples.AsSpan()).ToArray()));
}
