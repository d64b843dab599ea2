namespace AstStream.Model.Checkpoints;

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
