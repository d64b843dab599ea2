using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Tests.Model;

/// <summary>The graph's numbers, against transformers' and each other.</summary>
public sealed class AstGraphTests : GraphTrial
{
    public static TheoryData<string, string> CheckpointsAndClips => Reference.Pairs<string, string>([Wide, Small], Reference.Clips);

    [Theory]
    [MemberData(nameof(CheckpointsAndClips))]
    public void Run_EagerAttention_MatchesTransformersAndTheFusedOne(string checkpoint, string clip)
    {
        using var source = Open(checkpoint);
        var input = Reference.Npy($"{checkpoint}/{clip}.input_values.npy").Values;

        var eager = Logits(source, input, new AstSessionOptions { Attention = AttentionImplementation.Eager });
        var sdpa = Logits(source, input, new AstSessionOptions());

        Reference.AssertClose(Reference.Npy($"{checkpoint}/{clip}.logits.npy").Values, eager, 1e-3f);
        Reference.AssertClose(eager, sdpa, 1e-4f);
    }

    [Theory]
    [InlineData("bursts-12s")]
    [InlineData("noise-3s")]
    public void Run_Attentions_MatchTransformers(string clip)
    {
        using var source = Open(Small);
        using var session = Session(
            source, new AstSessionOptions
            {
                Attention = AttentionImplementation.Eager,
                Outputs = AstOutputs.Attentions | AstOutputs.HiddenStates | AstOutputs.LastHiddenState
            });
        Reference.Npy($"{Small}/{clip}.input_values.npy").Values.CopyTo(session.Input(0));

        session.Run(1);

        var (shape, first) = Reference.Npy($"{Small}/{clip}.attention0.npy");
        var all = session.Read(AstOutputs.Attentions, 0, out var found);
        Assert.Equal([2, .. shape], found);
        Reference.AssertClose(first, all[..first.Length], 1e-4f);

        var states = session.Read(AstOutputs.HiddenStates, 0, out var stateShape);
        Assert.Equal([3, 130, 48], stateShape);
        Assert.False(states[..(130 * 48)].SequenceEqual(states[^(130 * 48)..]));
        Assert.Throws<InvalidOperationException>(() => { session.Read(AstOutputs.PoolerOutput, 0, out _); });
    }

    [Theory]
    [InlineData(AttentionImplementation.Sdpa)]
    [InlineData(AttentionImplementation.Eager)]
    public void Run_FoldedNormalization_GivesTheLogitsOfInputValues(AttentionImplementation attention)
    {
        using var source = Open(Wide);
        var inputValues = Reference.Npy($"{Wide}/chirp-10s24.input_values.npy").Values;
        var logMel = Array.ConvertAll(inputValues, v => (v * 2 * source.Extractor.Std) + source.Extractor.Mean);
        using var session = AstSession.Create(
            source, new AstSessionOptions { CacheFolder = _cache, BatchSizes = [1], Attention = attention });
        logMel.CopyTo(session.Input(0));

        session.Run(1);

        Reference.AssertClose(Reference.Npy($"{Wide}/chirp-10s24.logits.npy").Values, session.Logits(0), 1e-4f);
    }

    /// <summary>Cropped in time; interpolated in time; in both; in time with another stride.</summary>
    [Theory]
    [InlineData(128, 16, 16)]
    [InlineData(400, 16, 16)]
    [InlineData(256, 10, 10)]
    [InlineData(512, 16, 8)]
    public void Run_OtherWindow_MatchesTheAuthorsPositions(int frames, int frequencyStride, int timeStride)
    {
        using var source = Open(Small);
        var config = source.Config.WithWindow(frames, frequencyStride, timeStride);
        var input = Reference.Npy($"{Wide}/bursts-12s.input_values.npy").Values.AsSpan(0, frames * 128).ToArray();

        var logits = Logits(source, input, new AstSessionOptions { Config = config });

        var name = string.Create(CultureInfo.InvariantCulture, $"{Small}/window-{frames}-{frequencyStride}-{timeStride}.logits.npy");
        Reference.AssertClose(Reference.Npy(name).Values, logits, 1e-4f);
    }

    [Theory]
    [InlineData(15, null, null, "a window of 15 frames; expected at least the patch's 16")]
    [InlineData(65536, 1, 1, "tokens of 16×16 values in a window; expected at most 8192 tokens")]
    [InlineData(256, 0, null, "strides of 0 (frequency) and 16 (time); expected 1 or more")]
    public void WithWindow_ImpossibleOne_SaysWhy(int frames, int? frequencyStride, int? timeStride, string message)
    {
        using var source = Open(Small);
        var e = Assert.Throws<ModelExecutionException>(() => source.Config.WithWindow(frames, frequencyStride, timeStride));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(Wide)]
    public void Run_Int8_IsNearFloat32AndTheSameInAnyBatch(string checkpoint)
    {
        using var source = Open(checkpoint);
        var inputs = Reference.Clips.Select(c => Reference.Npy($"{checkpoint}/{c}.input_values.npy").Values).ToArray();
        var exact = inputs.Select(i => Logits(source, i, new AstSessionOptions())).ToArray();
        using var session = Session(source, new AstSessionOptions { Precision = ModelPrecision.Int8, BatchSizes = [1, 4] });
        for (var row = 0; row < 4; row++)
            inputs[row].CopyTo(session.Input(row));
        session.Run(4);
        var together = Enumerable.Range(0, 4).Select(r => session.Logits(r).ToArray()).ToArray();

        for (var row = 0; row < 4; row++)
        {
            Reference.AssertClose(exact[row], together[row], 0.1f);
            inputs[row].CopyTo(session.Input(0));
            session.Run(1);
            Assert.Equal(together[row], session.Logits(0).ToArray());
        }
    }

    [Theory]
    [InlineData(ModelPrecision.Float16, AttentionImplementation.Eager, false)]
    [InlineData(ModelPrecision.Float16, AttentionImplementation.Eager, true)]
    [InlineData(ModelPrecision.Float32, AttentionImplementation.Eager, true)]
    [InlineData(ModelPrecision.Float32, AttentionImplementation.Sdpa, true)]
    public void Build_GraphsForAGpu_GiveTheLogitsToo(ModelPrecision precision, AttentionImplementation attention, bool castLayerNorm)
    {
        using var source = Open(Small);
        // ONNX Runtime is set up by a session.
        AstSession.Create(source, new AstSessionOptions { CacheFolder = _cache }).Dispose();
        var options = new AstGraphOptions
        {
            Precision = precision,
            Attention = attention,
            CastLayerNorm = castLayerNorm,
            FoldNormalization = false,
            Outputs = AstOutputs.PoolerOutput | AstOutputs.LastHiddenState | AstOutputs.HiddenStates
        };
        using var session = new InferenceSession(GraphCache.GetOrBuild(source, source.Config, options, _cache));
        using var logitsAlone = new InferenceSession(
            GraphCache.GetOrBuild(source, source.Config, options with { Outputs = AstOutputs.Logits }, _cache));
        using var run = new RunOptions();
        foreach (var clip in Reference.Clips)
        {
            var values = Reference.Npy($"{Small}/{clip}.input_values.npy").Values;
            using var input = precision == ModelPrecision.Float16
                ? OrtValue.CreateTensorValueFromMemory(
                    Array.ConvertAll(values, v => new Float16(BitConverter.HalfToUInt16Bits((Half)v))), [1, 256, 128])
                : OrtValue.CreateTensorValueFromMemory(values, [1, 256, 128]);
            using var results = session.Run(run, ["input_values"], [input], ["logits", "last_hidden_state"]);
            using var alone = logitsAlone.Run(run, ["input_values"], [input], ["logits"]);
            foreach (var logits in (OrtValue[])[results[0], alone[0]])
                Reference.AssertClose(
                    Reference.Npy($"{Small}/{clip}.logits.npy").Values, logits.GetTensorDataAsSpan<float>(),
                    precision == ModelPrecision.Float32 ? 1e-3f : 2e-2f);
            Reference.AssertClose(
                Reference.Npy($"{Small}/{clip}.last_hidden_state.npy").Values, results[1].GetTensorDataAsSpan<float>(),
                precision == ModelPrecision.Float32 ? 2e-3f : 5e-2f);
        }
    }

    /// <summary>Exact up to rounding: not one clip's logits differ by more than float32 does in any other order of its sums.</summary>
    [Theory]
    [InlineData(AttentionImplementation.Sdpa)]
    [InlineData(AttentionImplementation.Eager)]
    public void Build_FoldedBiases_GiveTheSameLogitsWithTwoAddsFewerALayer(AttentionImplementation attention)
    {
        using var source = Open(Small);
        AstSession.Create(source, new AstSessionOptions { CacheFolder = _cache }).Dispose(); // sets ONNX Runtime up
        var options = new AstGraphOptions { Attention = attention, FoldNormalization = false, FoldBiases = false };
        var folded = options with { FoldBiases = true };
        using var plainSession = new InferenceSession(GraphCache.GetOrBuild(source, source.Config, options, _cache));
        using var foldedSession = new InferenceSession(GraphCache.GetOrBuild(source, source.Config, folded, _cache));
        using var run = new RunOptions();

        Assert.Equal(
            2 * source.Config.NumHiddenLayers,
            Adds(AstGraph.Build(source, source.Config, options, "").Model) - Adds(AstGraph.Build(source, source.Config, folded, "").Model));
        foreach (var clip in Reference.Clips)
        {
            using var input = OrtValue.CreateTensorValueFromMemory(Reference.Npy($"{Small}/{clip}.input_values.npy").Values, [1, 256, 128]);
            using var plain = plainSession.Run(run, ["input_values"], [input], ["logits"]);
            using var other = foldedSession.Run(run, ["input_values"], [input], ["logits"]);
            Reference.AssertClose(plain[0].GetTensorDataAsSpan<float>().ToArray(), other[0].GetTensorDataAsSpan<float>(), 1e-5f);
        }

        // Nodes are written with their operator after the tag of its field and its length.
        static int Adds(byte[] model) => System.Text.RegularExpressions.Regex.Count(
            System.Text.Encoding.Latin1.GetString(model), "\u0022\u0003Add");
    }

    [Fact]
    public void Build_EveryVariant_SharesAWeightsFileOnlyWithItsLike()
    {
        using var source = Open(Small);
        var layouts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var precision in Enum.GetValues<ModelPrecision>())
            foreach (var attention in Enum.GetValues<AttentionImplementation>())
                foreach (var cast in (bool[])[false, true])
                {
                    var options = new AstGraphOptions { Precision = precision, Attention = attention, CastLayerNorm = cast };
                    var graph = AstGraph.Build(source, source.Config, options, "").Graph;
                    var name = $"{options.WeightsName} {graph.Layout}";
                    Assert.Equal(
                        layouts.GetValueOrDefault(name, $"{precision} {graph.DataLength}"),
                        layouts[name] = $"{precision} {graph.DataLength}");
                }

        Assert.Equal(6, layouts.Count); // by precision, and in half by the type of LayerNorm's weights; not by attention
    }

    /// <summary>For logits alone the last layer works for two tokens only; asked for all tokens, it works for all.</summary>
    [Theory]
    [InlineData(Small)]
    [InlineData(Wide)]
    public void Run_LogitsAlone_AreThoseOfTheWholeGraph(string checkpoint)
    {
        using var source = Open(checkpoint);
        var input = Reference.Npy($"{checkpoint}/noise-3s.input_values.npy").Values;
        foreach (var attention in Enum.GetValues<AttentionImplementation>())
        {
            var whole = Logits(source, input, new AstSessionOptions { Attention = attention, Outputs = AstOutputs.LastHiddenState });
            Reference.AssertClose(whole, Logits(source, input, new AstSessionOptions { Attention = attention }), 1e-5f);
        }

        Assert.True(source.Config.MacsForLogits < source.Config.MacsPerWindow);
    }

    [Fact]
    public void Create_AllVariants_ShareOneWeightsFileForEachPrecision()
    {
        using var source = Open(Small);
        foreach (var attention in Enum.GetValues<AttentionImplementation>())
        {
            AstSession.Create(source, new AstSessionOptions { CacheFolder = _cache, Attention = attention }).Dispose();
            AstSession.Create(
                source, new AstSessionOptions { CacheFolder = _cache, Attention = attention, Precision = ModelPrecision.Int8 }).Dispose();
        }

        var folder = Assert.Single(Directory.EnumerateDirectories(Path.Combine(_cache, "graphs")));
        Assert.Equal(2, Directory.EnumerateFiles(folder, "*.bin").Count());
        Assert.Equal(5, Directory.EnumerateFiles(folder, "*.onnx").Count()); // and the parity reference's
        Assert.Empty(Directory.EnumerateFiles(folder, "*.part"));
    }

    [Fact]
    public void Run_Again_AllocatesNothing()
    {
        using var source = Open(Small);
        using var session = Session(source, new AstSessionOptions { BatchSizes = [1, 2, 4] });
        for (var i = 0; i < 3; i++)
            session.Run(3); // 2 + 1: both sizes, at their places

        // The runtime allocates at times for itself, when it recompiles a method; a run that allocates does so each time.
        Assert.Equal(0, Enumerable.Range(0, 3).Min(_ =>
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 100; i++)
                session.Run(3);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }
}
