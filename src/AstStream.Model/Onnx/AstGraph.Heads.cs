using AstStream.Model.Checkpoints;

namespace AstStream.Model.Onnx;

/// <content>What is made of the tokens after the last LayerNorm. A window is a few numbers then: all float32.</content>
internal sealed partial class AstGraph
{
    /// <summary>All outputs of the graph.</summary>
    private void Heads(string last)
    {
        // The mean of the cls and the distillation token.
        var two = Float32(_options.NeedsAllTokens ? FirstTwo(last) : last);
        var pooled = _graph.Node("ReduceMean", "", PoolerOutput, [two, _graph.Int64s([1], 1)], ("keepdims", 0));
        var head = LayerNorm(AstTensors.ClassifierLayerNorm, pooled, isFloat: true);
        var product = Linears(head, _config.HiddenSize, _config.Labels.Count, [(AstTensors.ClassifierDense, false)], isFloat: true)[0];
        _graph.Node("Add", "", Logits, [product, Weight(AstTensors.ClassifierDense + ".bias", ElementType.Float32, _config.Labels.Count)]);
        if (_options.Outputs.HasFlag(AstOutputs.LastHiddenState))
            _graph.Node("Identity", "", LastHiddenState, [Float32(last)]);
        if (_options.Outputs.HasFlag(AstOutputs.HiddenStates))
            Stack(HiddenStates, _hidden);
        if (_options.Outputs.HasFlag(AstOutputs.Attentions))
            Stack(Attentions, _attentions);
        if (_options.Outputs.HasFlag(AstOutputs.Columns))
            Localise(last, _config.Localiser!);
        foreach (var (_, name, shape) in Outputs(_config, _options.Outputs))
            _graph.Output(name, ElementType.Float32, ["batch", .. shape.Select(s => (object)s)]);
    }

    /// <summary>The localiser: the mean of each column's patches, and two linear layers; all float32.</summary>
    private void Localise(string tokens, LocaliserConfig localiser)
    {
        int d = _config.HiddenSize, m = localiser.IntermediateSize, groups = localiser.Groups.Count;
        var patches = _graph.Node(
            "Slice", [tokens, _graph.Int64s([2], 1), _graph.Int64s([_config.Tokens], 1), _graph.Int64s([1], 1)]);
        patches = _graph.Node("Reshape", [patches, _graph.Int64s([0, _config.FrequencyPatches, _config.TimePatches, d], 4)]);
        var columns = _graph.Node("ReduceMean", [Float32(patches), _graph.Int64s([1], 1)], ("keepdims", 0));
        columns = LayerNorm(AstTensors.LocaliserLayerNorm, columns, isFloat: true, localiser.LayerNormEps);
        columns = Activated(Linears(columns, d, m, [(AstTensors.LocaliserIntermediate, true)], isFloat: true)[0]);
        var product = Linears(columns, m, groups, [(AstTensors.LocaliserOutput, false)], isFloat: true)[0];
        _graph.Node("Add", "", Columns, [product, Weight(AstTensors.LocaliserOutput + ".bias", ElementType.Float32, groups)]);
    }
}
