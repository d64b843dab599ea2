using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Streaming.Sources;

namespace AstStream.Learning.Training;

/// <summary>Gives clips their embeddings, window by window; those that are in the cache cost nothing. For one caller at a time.</summary>
public sealed class ClipEmbedder : IDisposable
{
    /// <summary>The most windows of a clip that count; of a longer one the first.</summary>
    public const int MostWindows = 12;

    private const int Version = 1; // of what is kept; raised where features, windows or their hash change

    private readonly AstSession _session;
    private readonly ClipFeatures _features;
    private readonly EmbeddingCache _cache;

    /// <summary>Opens a session.</summary>
    /// <param name="checkpoint">The model; it stays the caller's.</param>
    /// <param name="options">How it runs.</param>
    /// <param name="cacheFolder">The product's cache folder.</param>
    /// <exception cref="ModelExecutionException">It can't be run so.</exception>
    public ClipEmbedder(AstCheckpoint checkpoint, AstSessionOptions options, string cacheFolder)
    {
        _session = AstSession.Create(checkpoint, options with { Outputs = options.Outputs | AstOutputs.PoolerOutput });
        _features = new ClipFeatures(checkpoint);
        var name = $"{checkpoint.Hash[..16]}-{_session.Precision.Word()}-{Version}.bin";
        _cache = new EmbeddingCache(Path.Combine(cacheFolder, "embeddings", name), checkpoint.Config.HiddenSize);
    }

    /// <summary>What the session warns of.</summary>
    public IReadOnlyList<string> Warnings => _session.Warnings;

    /// <summary>The clips, in their order, as far as they can be read.</summary>
    /// <param name="clips">The clips.</param>
    /// <param name="open">Opens a file of sound.</param>
    /// <param name="failed">Hears of clips that can't be read, and why.</param>
    /// <param name="stop">Gives up.</param>
    public async IAsyncEnumerable<EmbeddedClip> EmbedAsync(
        IEnumerable<LabelledClip> clips, Func<string, CancellationToken, Task<IAudioReader>> open, Action<LabelledClip, string> failed,
        [EnumeratorCancellation] CancellationToken stop)
    {
        var waiting = new Queue<Heard>(); // in their order; not all of them are scored
        var rows = new List<(Heard Clip, int Window)>(); // of the batch
        foreach (var clip in clips)
        {
            stop.ThrowIfCancellationRequested();
            if (await HearAsync(clip, open, failed, stop).ConfigureAwait(false) is not { } heard)
                continue;
            waiting.Enqueue(heard);
            for (var w = 0; w < heard.Frames.Count; w++)
            {
                ClipFeatures.Fill(heard.Frames[w], _session.Input(rows.Count));
                rows.Add((heard, w));
                if (rows.Count == _session.MaxBatch)
                    Run(rows);
            }

            while (waiting.TryPeek(out var first) && first.IsScored)
            {
                if (Given(waiting.Dequeue(), failed) is { } given)
                    yield return given;
            }
        }

        if (rows.Count > 0)
            Run(rows);
        while (waiting.TryDequeue(out var last))
        {
            if (Given(last, failed) is { } given)
                yield return given;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache.Dispose();
        _session.Dispose();
    }

    private async Task<Heard?> HearAsync(
        LabelledClip clip, Func<string, CancellationToken, Task<IAudioReader>> open, Action<LabelledClip, string> failed,
        CancellationToken stop)
    {
        try
        {
            var key = EmbeddingCache.KeyOf(clip.Path);
            if (_cache.TryGet(key, out var known))
                return new Heard(clip, key, known.Content, [], known.Windows);
            await using var sound = await open(clip.Path, stop).ConfigureAwait(false);
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var windows = new List<float[]>();
            foreach (var window in _features.ReadAll(sound, clip.Path, _session.Config.MaxLength).Take(MostWindows))
            {
                if (window.Problem is { } problem)
                    throw new InvalidAudioException(problem);
                hash.AppendData(MemoryMarshal.AsBytes(window.Frames.AsSpan()));
                windows.Add(window.Frames);
            }

            if (windows.Count == 0 || windows[0].Length == 0)
                throw new InvalidAudioException(ClipFeatures.TooShort(clip.Path));
            // Silence is no recording that others could be the same as, unless it is the same file.
            if (windows.TrueForAll(w => w.AsSpan().IndexOfAnyExcept(w[0]) < 0))
                hash.AppendData(System.Text.Encoding.UTF8.GetBytes(key));
            var content = Convert.ToHexStringLower(hash.GetHashAndReset());
            return new Heard(clip, key, content, windows, new float[windows.Count][]);
        }
        catch (Exception e) when (e is InvalidAudioException or IOException or UnauthorizedAccessException)
        {
            failed(clip, e.Message);
            return null;
        }
    }

    private void Run(List<(Heard Clip, int Window)> rows)
    {
        _session.Run(rows.Count);
        for (var row = 0; row < rows.Count; row++)
            rows[row].Clip.Windows[rows[row].Window] = _session.Read(AstOutputs.PoolerOutput, row, out _).ToArray();
        rows.Clear();
    }

    private EmbeddedClip? Given(Heard heard, Action<LabelledClip, string> failed)
    {
        if (heard.Windows.Any(w => w.Any(v => !float.IsFinite(v))))
        {
            failed(heard.Clip, $"{heard.Clip.Path}: its embedding has no finite numbers; --precision float32 may help");
            return null;
        }

        _cache.Add(heard.Key, heard.Content, heard.Windows);
        return new EmbeddedClip(heard.Clip, heard.Content, heard.Windows);
    }

    /// <summary>A clip on its way.</summary>
    private sealed record Heard(LabelledClip Clip, string Key, string Content, List<float[]> Frames, float[][] Windows)
    {
        public bool IsScored => Windows[^1] is not null;
    }
}
