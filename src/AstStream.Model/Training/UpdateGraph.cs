using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Training;

/// <summary>
/// What is done with gradients. AdamW (I. Loshchilov and F. Hutter, 2019): of each parameter the rate and what decay leaves of it come by
/// its group; the moments' bias correction is in the rate and in epsilon, which are computed in double outside. Every output may lie where
/// its input lies: each element is read before it is written, and by nothing else.
/// </summary>
internal static class UpdateGraph
{
    public const float Beta1 = 0.9f;
    public const float Beta2 = 0.999f;
    public const string Rates = "rates";
    public const string Kept = "kept";
    public const string Scale = "scale";
    public const string Epsilon = "epsilon";
    public const string Average = "average";

    public static string FirstMoment(string parameter) => "m." + parameter;

    public static string SecondMoment(string parameter) => "v." + parameter;

    public static string AverageOf(string parameter) => "average." + parameter;

    public static string New(string name) => "new." + name;

    /// <summary>The sum of squares of each gradient, in their order.</summary>
    public static byte[] Squares(IReadOnlyList<(string Name, int[] Shape)> trained)
    {
        var graph = new OnnxGraph("none");
        var emit = new GraphEmitter(graph, ElementType.Float32);
        GraphTensor[] squares = [.. trained.Select(t => emit.Reshape(
            emit.Node("ReduceSumSquare", [], [emit.Input(TrainingGraph.GradientOf(t.Name), t.Shape)], ("keepdims", 0)), 1))];
        emit.Output(emit.Concat(0, squares), TrainingGraph.Squares);
        return graph.ToModel();
    }

    /// <summary>A step of AdamW.</summary>
    /// <param name="trained">The parameters.</param>
    /// <param name="groupOf">The group of each of them, from 0 on.</param>
    /// <param name="averages">Whether a moving average of the parameters is kept.</param>
    public static byte[] Step(IReadOnlyList<(string Name, int[] Shape)> trained, IReadOnlyList<int> groupOf, bool averages)
    {
        var graph = new OnnxGraph("none");
        var emit = new GraphEmitter(graph, ElementType.Float32);
        var groups = groupOf.Max() + 1;
        GraphTensor rates = emit.Input(Rates, [groups]), kept = emit.Input(Kept, [groups]);
        GraphTensor scale = emit.Input(Scale, [1]), epsilon = emit.Input(Epsilon, [1]);
        var average = averages ? emit.Input(Average, [1]) : null;
        GraphTensor[] rateOf = [.. Enumerable.Range(0, groups).Select(g => emit.Slice(rates, 0, g, g + 1))];
        GraphTensor[] keptOf = [.. Enumerable.Range(0, groups).Select(g => emit.Slice(kept, 0, g, g + 1))];
        foreach (var ((name, shape), group) in trained.Zip(groupOf))
        {
            GraphTensor In(string named) => emit.Input(named, shape);
            GraphTensor Out(string op, string named, GraphTensor a, GraphTensor b)
            {
                emit.Declare(New(named), shape);
                return emit.Named(op, New(named), shape, a, b);
            }

            var gradient = emit.Multiply(In(TrainingGraph.GradientOf(name)), scale);
            var first = Out(
                "Add", FirstMoment(name), emit.Multiply(In(FirstMoment(name)), Beta1), emit.Multiply(gradient, 1 - Beta1));
            var second = Out(
                "Add", SecondMoment(name), emit.Multiply(In(SecondMoment(name)), Beta2),
                emit.Multiply(emit.Multiply(gradient, gradient), 1 - Beta2));
            var step = emit.Multiply(
                emit.Node("Div", shape, [first, emit.Add(emit.Map("Sqrt", second), epsilon)]), rateOf[group]);
            var parameter = Out("Sub", name, emit.Multiply(In(name), keptOf[group]), step);
            if (average is not null)
            {
                var before = In(AverageOf(name));
                Out("Add", AverageOf(name), before, emit.Multiply(emit.Subtract(parameter, before), average));
            }
        }

        return graph.ToModel();
    }
}
