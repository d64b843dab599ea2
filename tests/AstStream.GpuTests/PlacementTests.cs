using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.GpuTests;

/// <summary>Where nodes run, what a layer costs in launches, and what is captured.</summary>
public sealed class PlacementTests : StandInTrial
{
    private const string Norm = "SkipLayerNorm"; // closes each half of a layer

    [StandInTheory]
    [InlineData(ModelPrecision.Float16, AttentionImplementation.Sdpa)]
    [InlineData(ModelPrecision.Float16, AttentionImplementation.Eager)]
    [InlineData(ModelPrecision.BFloat16, AttentionImplementation.Sdpa)]
    [InlineData(ModelPrecision.BFloat16, AttentionImplementation.Eager)]
    [InlineData(ModelPrecision.Float32, AttentionImplementation.Sdpa)]
    [InlineData(ModelPrecision.Float32, AttentionImplementation.Eager)]
    public void Create_AnyPrecisionAndAttention_RunsWhollyOnCudaAndCapturesNothingForbidden(
        ModelPrecision precision, AttentionImplementation attention)
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(checkpoint, OnCuda with { Precision = precision, Attention = attention });

        Assert.NotEmpty(session.Placement);
        Assert.All(session.Placement, p => Assert.Equal("cuda", p.Provider));
        Assert.Empty(session.Warnings);
        Assert.Empty(Directory.EnumerateFiles(Directory.GetCurrentDirectory(), "onnxruntime_profile*"));
        Assert.Empty(Directory.EnumerateFiles(Path.GetTempPath(), "aststream-*.json"));
        var calls = Cuda.Take();
        Assert.DoesNotContain(calls, c => c.Verb is "FORBIDDEN" or "UNEXPECTED");
        Assert.DoesNotContain(Captured(calls), c => c.Verb is "COPY");
    }

    /// <summary>
    /// Of a layer in float16 with fused attention: product of queries, keys and values; their bias; attention; product; sum and norm;
    /// product; bias and GELU; product; sum and norm. For one or a few windows FlashAttention may add a kernel that joins its parts.
    /// </summary>
    [StandInTheory]
    [InlineData(1, true, 9)]
    [InlineData(8, true, 9)]
    [InlineData(8, false, 11)]
    public void Create_FusedAttentionInFloat16_TakesSoManyLaunchesALayer(int batch, bool isPacked, int expected)
    {
        using var checkpoint = AstCheckpoint.Open(RandomCheckpoint.GetOrMake("tiny", _folder));
        using var session = AstSession.Create(
            checkpoint, OnCuda with { Precision = ModelPrecision.Float16, BatchSizes = [batch], PackQkv = isPacked });

        var captured = Captured(Cuda.Take())
            .Where(c => c.IsLaunch && !c.Rest.Contains("combine", StringComparison.Ordinal)).ToList();
        var norms = captured.Index().Where(c => c.Item.Rest.Contains(Norm, StringComparison.Ordinal)).Select(c => c.Index).ToList();
        Assert.Equal(24, norms.Count); // two in each of twelve layers
        for (var layer = 1; layer < 11; layer++) // the first follows the embedding, and in the last one two tokens ask
            Assert.Equal(expected, norms[(2 * layer) + 1] - norms[(2 * layer) - 1]);
        Assert.InRange(captured.Count, 0, isPacked ? 128 : 148);
    }

    /// <summary>float32 with its factors rounded is asked of cuBLAS, unless that is refused.</summary>
    [StandInTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void Create_Float32_TakesTf32UnlessItIsRefused(bool tf32)
    {
        using var checkpoint = Open(Small);
        using var session = AstSession.Create(checkpoint, OnCuda with { Precision = ModelPrecision.Float32, Tf32 = tf32 });

        Assert.Equal(tf32, session.UsesTf32);
        Assert.Equal(tf32, session.ToString().Contains("float32 (TF32)", StringComparison.Ordinal));
        const string tensorOps = "3"; // CUBLAS_TF32_TENSOR_OP_MATH
        Assert.Equal(tf32, Cuda.Take().Any(c => c is { Verb: "MATHMODE", Rest: tensorOps }));
    }

    /// <summary>The calls of the first capture.</summary>
    private static List<CudaCall> Captured(IReadOnlyList<CudaCall> calls) =>
        [.. calls.SkipWhile(c => c is not { Verb: "CAPTURE", Rest: "begin" }).TakeWhile(c => c is not { Verb: "CAPTURE", Rest: "end" })];
}
