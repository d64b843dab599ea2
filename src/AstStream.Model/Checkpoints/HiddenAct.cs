namespace AstStream.Model.Checkpoints;

/// <summary>The function between the two products of a layer's MLP, by what it computes.</summary>
public enum HiddenAct
{
    /// <summary>x·Φ(x), with the error function: gelu.</summary>
    Gelu,

    /// <summary>GELU by its tanh formula: gelu_new, gelu_pytorch_tanh.</summary>
    GeluTanh,

    /// <summary>max(0, x): relu.</summary>
    Relu,

    /// <summary>x·σ(x): silu.</summary>
    Silu,
}
