namespace AstStream.Model;

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

/// <summary>transformers' names of them.</summary>
internal static class HiddenActs
{
    /// <summary>By the name that a config.json has.</summary>
    public static IReadOnlyDictionary<string, HiddenAct> All { get; } = new Dictionary<string, HiddenAct>(StringComparer.Ordinal)
    {
        ["gelu"] = HiddenAct.Gelu,
        ["gelu_python"] = HiddenAct.Gelu,
        ["gelu_new"] = HiddenAct.GeluTanh,
        ["gelu_pytorch_tanh"] = HiddenAct.GeluTanh,
        ["gelu_fast"] = HiddenAct.GeluTanh,
        ["relu"] = HiddenAct.Relu,
        ["silu"] = HiddenAct.Silu,
    };

    /// <summary>The name that transformers knows one by.</summary>
    public static string Name(this HiddenAct act) => All.First(a => a.Value == act).Key;
}
