using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.GpuTests;

/// <summary>Which precision and which batch sizes are taken where none was asked for.</summary>
public sealed class PrecisionTests : StandInTrial
{
    [StandInTheory]
    [InlineData(0f, ModelPrecision.Float16, 0)]
    [InlineData(0.1f, ModelPrecision.BFloat16, 1)] // over the limit of float16, within that of bfloat16
    public void Create_NoPrecision_TakesTheFirstThatParityBears(float off, ModelPrecision expected, int passedOver)
    {
        using var checkpoint = OffBy(off);
        using (var session = AstSession.Create(checkpoint, OnCuda with { Parity = ParityMode.Refuse }))
        {
            Assert.Equal(expected, session.Precision);
            Assert.Equal(off, session.ParityError);
            Assert.Equal(passedOver, session.Warnings.Count);
            Assert.All(session.Warnings, w => Assert.EndsWith("another precision is tried", w, StringComparison.Ordinal));
        }

        // The next start knows.
        using var again = AstSession.Create(checkpoint, OnCuda with { Parity = ParityMode.Refuse });
        Assert.Equal(expected, again.Precision);
        Assert.Empty(again.Warnings);
    }

    [StandInFact]
    public void Create_NoPrecisionAndAllAreOff_IsRefusedOrWarnsOfTheLast()
    {
        using var checkpoint = OffBy(5);
        var e = Assert.Throws<ModelExecutionException>(() => AstSession.Create(checkpoint, OnCuda with { Parity = ParityMode.Refuse }));
        Assert.Contains("on cuda in float32 with sdpa attention the logit of", e.Message, StringComparison.Ordinal);

        using var session = AstSession.Create(checkpoint, OnCuda with { Parity = ParityMode.Warn });
        Assert.Equal(ModelPrecision.Float32, session.Precision);
        Assert.Equal(3, session.Warnings.Count);
    }

    /// <summary>One that was asked for is not replaced.</summary>
    [StandInFact]
    public void Create_Float16ThatIsOff_IsRefused()
    {
        using var checkpoint = OffBy(0.1f);
        var e = Assert.Throws<ModelExecutionException>(
            () => AstSession.Create(checkpoint, OnCuda with { Parity = ParityMode.Refuse, Precision = ModelPrecision.Float16 }));
        Assert.Contains("on cuda in float16", e.Message, StringComparison.Ordinal);
    }

    [StandInFact]
    public void Create_NoBatchSizes_TakesSomeOfTheTriedAndKeepsThem()
    {
        using var checkpoint = Open(Small);
        var options = OnCuda with { BatchSizes = [] };
        IReadOnlyList<int> chosen;
        using (var session = AstSession.Create(checkpoint, options))
        {
            chosen = session.BatchSizes;
            Assert.All(chosen, s => Assert.Contains(s, (int[])[1, 2, 4, 8, 16, 32, 64]));
            Assert.Equal(chosen.Max(), session.MaxBatch);
            Assert.Equal(7, Cuda.Take().Count(c => c is { Verb: "CAPTURE", Rest: "begin" }));
            Assert.True(session.WindowsPerSecond > 0);
        }

        using var again = AstSession.Create(checkpoint, options);
        Assert.Equal(chosen, again.BatchSizes);
        Assert.Equal(chosen.Count, Cuda.Take().Count(c => c is { Verb: "CAPTURE", Rest: "begin" }));
    }

    [StandInFact]
    public void Create_NoBatchSizesAndLittleMemory_TakesSmallerOnes()
    {
        using var checkpoint = Open(Small);
        AstSession.Create(checkpoint, OnCuda with { BatchSizes = [64], Precision = ModelPrecision.Float16 }).Dispose();
        var needed = Cuda.Take().Where(c => c.Verb == "ALLOCATE" && c.Rest.StartsWith("cudaMalloc ", StringComparison.Ordinal))
            .Sum(c => long.Parse(c.Rest.Split(' ')[1], CultureInfo.InvariantCulture));
        Cuda.LimitMemory(needed / 2);

        using var session = AstSession.Create(
            checkpoint, OnCuda with { BatchSizes = [], Precision = ModelPrecision.Float16 });

        Assert.InRange(session.BatchSizes.Max(), 1, 32);
        var e = Assert.Throws<ModelExecutionException>(
            () => AstSession.Create(checkpoint, OnCuda with { BatchSizes = [64], Precision = ModelPrecision.Float16 }));
        Assert.Contains("memory", e.Message, StringComparison.Ordinal);
    }
}
