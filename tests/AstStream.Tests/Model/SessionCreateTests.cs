using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

/// <summary>Sessions that can not be had as they are asked for.</summary>
public sealed class SessionCreateTests : GraphTrial
{
    [Fact]
    public void Create_HalfPrecisionOnCpu_IsRefusedUnlessItMayFallBack()
    {
        using var source = Open(Small);
        foreach (var precision in (ModelPrecision[])[ModelPrecision.Float16, ModelPrecision.BFloat16])
        {
            var e = Assert.Throws<ModelExecutionException>(() => Session(source, new AstSessionOptions { Precision = precision }));
            Assert.Contains("is not for the CPU", e.Message, StringComparison.Ordinal);
            using var session = Session(source, new AstSessionOptions { Precision = precision, Fallback = true });
            Assert.Equal(ModelPrecision.Float32, session.Precision);
            Assert.Contains("float32 is used", Assert.Single(session.Warnings), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Create_MissingProvider_NamesEveryMissingLibraryAndIsRefusedUnlessItMayFallBack()
    {
        // On a machine that has CUDA there is nothing to refuse: its graph is compared with the CPU's instead.
        using var source = Open(Small);
        if (ExecutionProviders.WhyMissing(ExecutionProvider.Cuda) is null)
        {
            using var cuda = Session(source, new AstSessionOptions { Providers = [ExecutionProvider.Cuda] });
            Assert.True(cuda.ParityError < 1e-3f);
            Assert.Empty(cuda.Warnings);
            Assert.All(cuda.Placement, p => Assert.Equal("cuda", p.Provider));
            return;
        }

        var e = Assert.Throws<ModelExecutionException>(
            () => Session(source, new AstSessionOptions { Providers = [ExecutionProvider.Cuda] }));
        Assert.Contains("cuda was asked for and can't be had: missing here:", e.Message, StringComparison.Ordinal);
        foreach (var library in (string[])["libcudart.so.13", "libcudnn.so.9", "libnvrtc.so.13"])
            Assert.Contains(library, e.Message, StringComparison.Ordinal);

        using var session = Session(
            source, new AstSessionOptions { Providers = [ExecutionProvider.TensorRt, ExecutionProvider.Cuda], Fallback = true });
        Assert.Equal([ExecutionProvider.Cpu], session.Providers);
        Assert.Equal(2, session.Warnings.Count);
        Assert.Contains("libnvinfer.so.10", session.Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Create_CpuBeforeAnotherProvider_IsRefused()
    {
        using var source = Open(Small);
        var e = Assert.Throws<ModelExecutionException>(
            () => Session(source, new AstSessionOptions { Providers = [ExecutionProvider.Cpu, ExecutionProvider.Cuda] }));
        Assert.Contains(
            "providers cpu, cuda: cpu runs everything, so nothing after it is ever used; expected it last", e.Message,
            StringComparison.Ordinal);
    }

    /// <summary>
    /// The graphs of a GPU, as far as a CPU can run them: half precision (slow there, and so refused), and LayerNorm with casts around it.
    /// </summary>

    [Fact]
    public void Create_AttentionsOfFusedAttention_AreRefused()
    {
        using var source = Open(Small);
        var e = Assert.Throws<ModelExecutionException>(() => Session(source, new AstSessionOptions { Outputs = AstOutputs.Attentions }));
        Assert.Contains("expected eager attention", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_BatchBeyondMemory_SaysSo()
    {
        using var source = Open(Wide);
        var e = Assert.Throws<ModelExecutionException>(
            () => Session(
            source, new AstSessionOptions
            {
                BatchSizes = [64],
                Outputs = AstOutputs.Attentions,
                Attention = AttentionImplementation.Eager
            }));
        Assert.Contains("expected at most 2.1 GB: take smaller batches", e.Message, StringComparison.Ordinal);
    }
}
