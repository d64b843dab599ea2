using AstStream.Model.Checkpoints;
using AstStream.Model.Training;
using FsCheck;
using FsCheck.Fluent;

namespace AstStream.Tests.Model.Training;

/// <summary>The rule of every operator, against differences of the loss in double.</summary>
public sealed class TapeTests
{
    private const double Step = 1e-7;
    private const float Soft = 0.05f; // of LayerNorm, which turns on a point where rows hardly differ
    private const double Tolerance = 2e-6; // the graphs' constants are float32

    /// <summary>A random small model, and how it is trained.</summary>
    private static Arbitrary<(AstConfig Config, TrainingSessionOptions Options, int Seed)> Models() => (
        from heads in Gen.Choose(1, 2)
        from size in Gen.Choose(2, 3)
        from layers in Gen.Choose(1, 2)
        from patch in Gen.Choose(2, 3)
        from frequencyStride in Gen.Choose(1, 3)
        from timeStride in Gen.Choose(1, 3)
        from frames in Gen.Choose(4, 7)
        from labels in Gen.Choose(1, 3)
        from function in Gen.Elements(HiddenAct.Gelu, HiddenAct.GeluTanh, HiddenAct.Relu, HiddenAct.Silu)
        from loss in Gen.Elements(TrainingLoss.BinaryCrossEntropy, TrainingLoss.CrossEntropy)
        from hasBias in Gen.Elements(true, false)
        from hasColumns in Gen.Elements(true, false)
        from checkpoints in Gen.Elements(true, false)
        from batch in Gen.Choose(1, 2)
        from first in Gen.Choose(-1, layers)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select (
            new AstConfig
            {
                HiddenSize = heads * size,
                NumAttentionHeads = heads,
                NumHiddenLayers = layers,
                IntermediateSize = size + 1,
                LayerNormEps = Soft,
                PatchSize = patch,
                FrequencyStride = frequencyStride,
                TimeStride = timeStride,
                MaxLength = frames,
                NumMelBins = 4,
                QkvBias = hasBias,
                HiddenAct = function,
                Labels = [.. Enumerable.Range(0, labels).Select(i => $"{i}")],
                Localiser = new LocaliserConfig { IntermediateSize = 2, LayerNormEps = Soft, Groups = [[0], [0]] },
            },
            new TrainingSessionOptions
            {
                Batch = batch,
                Loss = loss,
                TrainsColumns = hasColumns,
                Checkpoints = checkpoints,
                FirstTrained = first,
            },
            seed)).ToArbitrary();

    [Fact]
    public void Gradients_OfARandomModel_AreDifferencesOfTheLoss() => Prop.ForAll(Models(), model =>
    {
        var (config, options, seed) = model;
        var random = new Random(seed);
        DoubleTensor Some(params int[] shape) => DoubleTensor.Make(shape, _ => (2 * random.NextDouble()) - 1);
        DoubleTensor Shares(params int[] shape) => Some(shape).Map(Math.Abs);
        var inputs = TrainingGraph.All(config, options).ToDictionary(t => t.Name, t => Some(t.Shape), StringComparer.Ordinal);
        foreach (var (name, shape) in TrainingGraph.Trained(config, options))
            inputs.Add(TrainingGraph.SumOf(name), Some(shape));
        var labels = config.Labels.Count;
        inputs.Add(TrainingGraph.Input, Some(options.Batch, config.MaxLength, config.NumMelBins));
        inputs.Add(TrainingGraph.Targets, Shares(options.Batch, labels));
        inputs.Add(TrainingGraph.Weights, Shares(options.Batch, options.Loss == TrainingLoss.CrossEntropy ? 1 : labels));
        inputs.Add(TrainingGraph.ColumnTargets, Shares(options.Batch * config.TimePatches, 2));
        inputs.Add(TrainingGraph.ColumnWeights, Shares(options.Batch * config.TimePatches, 2));
        inputs.Add(TrainingGraph.IsFirst, new DoubleTensor([], [1]));
        var graph = new DoubleInterpreter(TrainingGraph.Gradients(config, options));
        var found = graph.Run(inputs).ToDictionary();
        double LossAt(string name, DoubleTensor direction, double step) => graph.Run(new Dictionary<string, DoubleTensor>(inputs)
        {
            [name] = inputs[name].With(direction, (a, b) => a + (step * b)),
        })[TrainingGraph.Loss].Values[0];
        (double Expected, double Found) Along(string name, DoubleTensor direction) => (
            (LossAt(name, direction, Step) - LossAt(name, direction, -Step)) / (2 * Step),
            found[TrainingGraph.GradientOf(name)].Values.Zip(direction.Values, (g, d) => g * d).Sum());
        foreach (var (name, shape) in TrainingGraph.Trained(config, options))
        {
            // A difference may step over the bend of a ReLU, but hardly twice.
            var (expected, along) = Along(name, Some(shape));
            if (!IsNear(expected, along))
                (expected, along) = Along(name, Some(shape));
            Assert.True(IsNear(expected, along), $"{name}: {along}, expected {expected}; {config}");
        }
    }).QuickCheckThrowOnFailure();

    private static bool IsNear(double expected, double found) => Math.Abs(expected - found) < Tolerance * Math.Max(1, Math.Abs(expected));
}
