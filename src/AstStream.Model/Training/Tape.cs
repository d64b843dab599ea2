namespace AstStream.Model.Training;

/// <summary>
/// Reverse-mode differentiation: each operation writes its nodes at once and keeps how the nodes of its gradient are written.
/// </summary>
/// <param name="emit">Writes nodes.</param>
internal sealed partial class Tape(GraphEmitter emit)
{
    private readonly List<(GraphTensor Output, Action<GraphTensor> Back)> _steps = [];
    private readonly Dictionary<string, GraphTensor> _gradients = new(StringComparer.Ordinal);

    /// <summary>Writes the gradients of all parameters that a tensor was made of.</summary>
    /// <param name="y">The tensor: a loss, unless a seed is given.</param>
    /// <param name="seed">The gradient of y; none for a loss, whose rule asks for none.</param>
    public void Backward(GraphTensor y, GraphTensor? seed = null)
    {
        _gradients[y.Name] = seed ?? y; // a loss asks for no seed
        for (var i = _steps.Count - 1; i >= 0; i--)
        {
            if (_gradients.Remove(_steps[i].Output.Name, out var gradient))
                _steps[i].Back(gradient);
        }

        _steps.Clear();
    }

    /// <summary>The gradient of a parameter; null where nothing depends on it.</summary>
    public GraphTensor? GradientOf(GraphTensor parameter) => _gradients.GetValueOrDefault(parameter.Name);

    /// <summary>
    /// Runs a part and keeps its input alone: its gradient computes the part again, which takes time and saves memory.
    /// </summary>
    public GraphTensor Checkpoint(GraphTensor x, Func<Tape, GraphTensor, GraphTensor> part)
    {
        var y = part(new Tape(emit), x);
        return Record(y with { NeedsGradient = false }, y.NeedsGradient, gradient =>
        {
            var input = emit.After(x, gradient) with { NeedsGradient = x.NeedsGradient };
            var again = new Tape(emit);
            again.Backward(part(again, input), gradient);
            if (again._gradients.Remove(input.Name, out var ofInput))
                Give(x, () => ofInput);
            foreach (var (name, value) in again._gradients)
                _gradients.Add(name, value);
        });
    }

    private GraphTensor Record(GraphTensor y, GraphTensor[] inputs, Action<GraphTensor> back) =>
        Record(y, inputs.Any(i => i.NeedsGradient), back);

    private GraphTensor Record(GraphTensor y, bool needsGradient, Action<GraphTensor> back)
    {
        if (!needsGradient)
            return y;
        y = y with { NeedsGradient = true };
        _steps.Add((y, back));
        return y;
    }

    /// <summary>Adds to the gradient of an input, where it needs one.</summary>
    private void Give(GraphTensor to, Func<GraphTensor> gradient)
    {
        if (to.NeedsGradient)
            _gradients[to.Name] = _gradients.TryGetValue(to.Name, out var sum) ? emit.Add(sum, gradient()) : gradient();
    }

    /// <summary>The gradient of what was broadcast: the sum over the axes along which it was.</summary>
    private GraphTensor Unbroadcast(GraphTensor gradient, IReadOnlyList<int> shape)
    {
        var before = gradient.Rank - shape.Count;
        int[] axes = [.. Enumerable.Range(0, gradient.Rank)
            .Where(axis => axis < before || (shape[axis - before] == 1 && gradient.Shape[axis] != 1))];
        return axes.Length == 0 ? gradient : emit.Reshape(emit.Sum(gradient, keep: false, axes), shape);
    }
}
