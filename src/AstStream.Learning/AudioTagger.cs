using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Streaming.Sources;

namespace AstStream.Learning;

/// <summary>
/// Says what is in a clip, and gives its embedding: a model in a few lines, without a pipeline. For one caller at a time; opening takes
/// seconds, so keep it open.
/// </summary>
public sealed class AudioTagger : IDisposable
{
    private const string Name = "the clip";

    private readonly AstCheckpoint _checkpoint;
    private readonly AstSession _session;
    private readonly ClipFeatures _features;

    private AudioTagger(AstCheckpoint checkpoint, AstSession session) =>
        (_checkpoint, _session, _features) = (checkpoint, session, new ClipFeatures(checkpoint));

    /// <summary>The class names.</summary>
    public IReadOnlyList<string> Labels => _checkpoint.Config.Labels;

    /// <summary>Seconds of sound that the model takes at once.</summary>
    public double WindowSeconds => _session.Config.MaxLength * FbankOptions.FrameTime.TotalSeconds;

    /// <summary>Opens a checkpoint.</summary>
    /// <param name="folder">A Hugging Face AST folder.</param>
    /// <param name="options">How it runs; by default in float32 on the CPU.</param>
    /// <exception cref="InvalidCheckpointException">The folder is no checkpoint that can be used; says why.</exception>
    /// <exception cref="ModelExecutionException">It can't be run so.</exception>
    public static AudioTagger Open(string folder, AstSessionOptions? options = null)
    {
        var checkpoint = AstCheckpoint.Open(folder);
        try
        {
            options ??= new AstSessionOptions();
            return new AudioTagger(checkpoint, AstSession.Create(
                checkpoint, options with { BatchSizes = [1], Outputs = options.Outputs | AstOutputs.PoolerOutput }));
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>All labels with their scores, the highest first. Of a clip that is longer than a window, the first window counts.</summary>
    /// <param name="samples">Mono samples in [-1, 1].</param>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <exception cref="InvalidAudioException">There is no sound in it.</exception>
    public IReadOnlyList<AudioTag> Tag(ReadOnlyMemory<float> samples, int sampleRate) => Tag(new ArrayReader(samples, sampleRate));

    /// <summary>The same of sound that is read.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <exception cref="InvalidAudioException">It can't be read, or has no sound.</exception>
    public IReadOnlyList<AudioTag> Tag(IAudioReader sound)
    {
        Run(_features.Read(sound, Name, _session.Config.MaxLength));
        return Tags();
    }

    /// <summary>The tags of a clip window by window; the last window ends where the clip ends.</summary>
    /// <param name="sound">The clip; it stays the caller's.</param>
    /// <returns>Where each window begins, in seconds, and its tags, the highest first.</returns>
    /// <exception cref="InvalidAudioException">It can't be read, or has no sound.</exception>
    public IEnumerable<(double Start, IReadOnlyList<AudioTag> Tags)> TagWindows(IAudioReader sound)
    {
        foreach (var clip in _features.ReadAll(sound, Name, _session.Config.MaxLength))
        {
            Run(clip);
            yield return (clip.Start * FbankOptions.FrameTime.TotalSeconds, Tags());
        }
    }

    /// <summary>
    /// The embedding of a clip's first window (pooler_output): what the model knows of it before it decides on labels. [hidden_size].
    /// </summary>
    /// <param name="samples">Mono samples in [-1, 1].</param>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <exception cref="InvalidAudioException">There is no sound in it.</exception>
    public float[] Embed(ReadOnlyMemory<float> samples, int sampleRate)
    {
        Run(_features.Read(new ArrayReader(samples, sampleRate), Name, _session.Config.MaxLength));
        return _session.Read(AstOutputs.PoolerOutput, 0, out _).ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _checkpoint.Dispose();
    }

    private void Run(Clip clip)
    {
        ClipFeatures.Fill(clip.Frames, _session.Input(0));
        _session.Run(1);
    }

    private AudioTag[] Tags()
    {
        var scores = _session.Logits(0).ToArray();
        _checkpoint.Config.DefaultActivation.Apply(scores);
        return [.. scores.Select((s, i) => new AudioTag(Labels[i], s)).OrderByDescending(t => t.Score)];
    }
}
