using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

public sealed class AstSessionTests : IDisposable
{
    private readonly string _cache = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public static TheoryData<string, string> CheckpointsAndClips =>
        Reference.Pairs<string, string>(["ast-small-10x10", "ast-small-16x16-t256"], Reference.Clips);

    public void Dispose() => Directory.Delete(_cache, recursive: true);

    [Theory]
    [MemberData(nameof(CheckpointsAndClips))]
    public void Run_ReferenceInput_MatchesTransformers(string checkpoint, string clip)
    {
        using var source = AstCheckpoint.Open(Path.Combine(Reference.Folder, checkpoint));
        using var session = AstSession.Create(
            source, new AstSessionOptions
            {
                CacheFolder = _cache,
                BatchSizes = [1],
                IsNormalized = true,
                Outputs = AstOutputs.PoolerOutput | AstOutputs.LastHiddenState
            });
        Reference.Npy($"{checkpoint}/{clip}.input_values.npy").Values.CopyTo(session.Input(0));

        session.Run(1);

        Reference.AssertClose(Reference.Npy($"{checkpoint}/{clip}.logits.npy").Values, session.Logits(0), 1e-3f);
        Reference.AssertClose(
            Reference.Npy($"{checkpoint}/{clip}.pooler_output.npy").Values, session.Read(AstOutputs.PoolerOutput, 0, out _), 2e-3f);
        if (checkpoint == "ast-small-16x16-t256")
            Reference.AssertClose(
                Reference.Npy($"{checkpoint}/{clip}.last_hidden_state.npy").Values, session.Read(AstOutputs.LastHiddenState, 0, out _),
                2e-3f);
    }

    [Theory]
    [MemberData(nameof(CheckpointsAndClips))]
    public void Run_FromSoundToLogits_MatchesTransformers(string checkpoint, string clip)
    {
        using var source = AstCheckpoint.Open(Path.Combine(Reference.Folder, checkpoint));
        using var session = AstSession.Create(source, new AstSessionOptions { CacheFolder = _cache, BatchSizes = [1] });
        var normalization = new FeatureNormalization(source.Extractor.Mean, source.Extractor.Std, source.Extractor.DoNormalize);
        var fbank = new OnlineFbank();
        var frames = new float[source.Config.MaxLength * 128];
        var samples = Reference.Samples(clip).AsSpan();
        var count = 0;
        while (!samples.IsEmpty)
        {
            samples = samples[fbank.AcceptWaveform(samples)..];
            var read = fbank.Read(frames.AsSpan(count * 128));
            count += read;
            if (read == 0 && fbank.NumFramesReady > 0)
                break; // the window is full
        }

        var inputValues = new float[frames.Length];
        normalization.Apply(frames.AsSpan(0, count * 128), inputValues);
        Reference.AssertClose(Reference.Npy($"{checkpoint}/{clip}.input_values.npy").Values, inputValues, 5e-3f);

        // The session takes the log-mel itself: its graph normalises.
        frames.CopyTo(session.Input(0));
        session.Run(1);
        Reference.AssertClose(Reference.Npy($"{checkpoint}/{clip}.logits.npy").Values, session.Logits(0), 1e-3f);
    }

    [Theory]
    [InlineData("ast-small-10x10")]
    [InlineData("ast-small-16x16-t256")]
    public void Run_AnyBatchSize_GivesBitIdenticalLogits(string checkpoint)
    {
        using var source = AstCheckpoint.Open(Path.Combine(Reference.Folder, checkpoint));
        using var session = AstSession.Create(
            source, new AstSessionOptions { CacheFolder = _cache, BatchSizes = [1, 2, 5], IsNormalized = true });
        var inputs = Reference.Clips.Select(c => Reference.Npy($"{checkpoint}/{c}.input_values.npy").Values).ToArray();
        var alone = inputs.Select(input =>
        {
            input.CopyTo(session.Input(0));
            session.Run(1);
            return session.Logits(0).ToArray();
        }).ToArray();

        for (var batch = 2; batch <= 5; batch++)
        {
            for (var row = 0; row < batch; row++)
                inputs[row % inputs.Length].CopyTo(session.Input(row));
            session.Run(batch);
            for (var row = 0; row < batch; row++)
                Assert.Equal(alone[row % inputs.Length], session.Logits(row).ToArray());
        }
    }
}
