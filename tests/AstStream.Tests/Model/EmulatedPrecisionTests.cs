using AstStream.Emulation;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Tests.Model;

/// <summary>The graphs of a GPU with its rounding, operator by operator, where no processor here computes them.</summary>
public sealed class EmulatedPrecisionTests : GraphTrial
{
    private static readonly string s_default = Path.Combine(AppContext.BaseDirectory, "pipelines", "models", "ast-audioset-tiny");

    /// <summary>The interpreter itself: without rounding it gives what ONNX Runtime gives.</summary>
    [Theory]
    [InlineData(Small, AttentionImplementation.Sdpa)]
    [InlineData(Small, AttentionImplementation.Eager)]
    [InlineData(Wide, AttentionImplementation.Sdpa)]
    public void Run_Float32_GivesTransformersLogits(string checkpoint, AttentionImplementation attention)
    {
        using var source = Open(checkpoint);
        var graph = Build(source, new AstGraphOptions { Attention = attention, FoldNormalization = false });
        foreach (var clip in Reference.Clips)
        {
            var logits = new GraphInterpreter(graph).Run(
                Reference.Npy($"{checkpoint}/{clip}.input_values.npy").Values, 1, source.Config.MaxLength, 128);
            Reference.AssertClose(Reference.Npy($"{checkpoint}/{clip}.logits.npy").Values, logits, 1e-3f);
        }
    }

    /// <summary>One product for queries, keys and values, in the order in which CUDA's attention takes it apart.</summary>
    [Theory]
    [InlineData(Small)]
    [InlineData(Wide)]
    public void Run_PackedQkv_GivesTheLogitsOfThreeProducts(string checkpoint)
    {
        using var source = Open(checkpoint);
        var options = new AstGraphOptions { FoldNormalization = false };
        var apart = Build(source, options);
        var packed = Build(source, options with { PackQkv = true });
        Assert.Equal(
            2 * (source.Config.NumHiddenLayers - 1), // the last layer has its own
            apart.Nodes.Count(n => n.Operator == "MatMul") - packed.Nodes.Count(n => n.Operator == "MatMul"));
        var input = Reference.Npy($"{checkpoint}/noise-3s.input_values.npy").Values;
        Reference.AssertClose(
            new GraphInterpreter(apart).Run(input, 1, source.Config.MaxLength, 128),
            new GraphInterpreter(packed).Run(input, 1, source.Config.MaxLength, 128), 1e-5f);
    }

    /// <summary>A window's logits do not depend on its batch: bit for bit, as the order of sums is the same.</summary>
    [Theory]
    [InlineData(ModelPrecision.Float16)]
    [InlineData(ModelPrecision.BFloat16)]
    public void Run_BatchesOfOneToThree_GiveEachWindowItsLogits(ModelPrecision precision)
    {
        using var source = Open(Small);
        var graph = Build(source, new AstGraphOptions { Precision = precision, PackQkv = true, FoldNormalization = false });
        float[][] windows = [.. Reference.Clips.Take(3).Select(c => Reference.Npy($"{Small}/{c}.input_values.npy").Values)];
        float[][] alone = [.. windows.Select(w => new GraphInterpreter(graph).Run(w, 1, 256, 128))];
        for (var batch = 2; batch <= 3; batch++)
        {
            var together = new GraphInterpreter(graph).Run([.. windows.Take(batch).SelectMany(w => w)], batch, 256, 128);
            Assert.Equal(alone.Take(batch).SelectMany(l => l), together);
        }
    }

    /// <summary>The CPU has slow kernels for eager attention in float16: they are rounded as the interpreter rounds.</summary>
    [Fact]
    public void Run_EagerFloat16_IsWhatTheCpuGives()
    {
        using var source = Open(Small);
        var options = new AstGraphOptions
        {
            Attention = AttentionImplementation.Eager,
            Precision = ModelPrecision.Float16,
            FoldNormalization = false
        };
        var values = Reference.Npy($"{Small}/bursts-12s.input_values.npy").Values;
        var emulated = new GraphInterpreter(Build(source, options)).Run(values, 1, 256, 128);

        using var session = new InferenceSession(GraphCache.GetOrBuild(source, source.Config, options, _cache));
        using var input = OrtValue.CreateTensorValueFromMemory(
            Array.ConvertAll(values, v => new Float16(BitConverter.HalfToUInt16Bits((Half)v))), [1, 256, 128]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["input_values"], [input], ["logits"]);

        Reference.AssertClose(results[0].GetTensorDataAsSpan<float>().ToArray(), emulated, 5e-3f);
    }

    /// <summary>Every graph of a GPU is within the limit of its precision, in a batch, on the default model and on twelve layers.</summary>
    [Fact]
    public void Run_GraphsOfAGpu_AreWithinTheLimitsOfTheirPrecisions()
    {
        (ModelPrecision, AttentionImplementation, bool IsPacked)[] variants =
        [
            (ModelPrecision.Float16, AttentionImplementation.Sdpa, true),
            (ModelPrecision.Float16, AttentionImplementation.Sdpa, false),
            (ModelPrecision.Float16, AttentionImplementation.Eager, false),
            (ModelPrecision.BFloat16, AttentionImplementation.Sdpa, true),
            (ModelPrecision.BFloat16, AttentionImplementation.Eager, false),
            (ModelPrecision.Float32, AttentionImplementation.Sdpa, true),
        ];
        foreach (var (source, config) in Models())
        {
            using (source)
            {
                var trial = new PrecisionTrial(source, config, _cache, batch: 3);
                foreach (var (precision, attention, isPacked) in variants)
                {
                    var error = trial.Error(new AstGraphOptions
                    {
                        Attention = attention,
                        Precision = precision,
                        PackQkv = isPacked,
                        FoldNormalization = false
                    });
                    Assert.InRange(error, 1e-6f, ParityCheck.Limit(precision, isTf32: true));
                }
            }
        }
    }

    private IEnumerable<(AstCheckpoint, AstConfig)> Models()
    {
        var model = AstCheckpoint.Open(s_default);
        yield return (model, model.Config);
        var random = AstCheckpoint.Open(RandomCheckpoint.GetOrMake("tiny", _cache));
        yield return (random, random.Config.WithWindow(256, 16, 16));
    }

    private GraphFile Build(AstCheckpoint source, AstGraphOptions options) =>
        new(GraphCache.GetOrBuild(source, source.Config, options, _cache));
}
