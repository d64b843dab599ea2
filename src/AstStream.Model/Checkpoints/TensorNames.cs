using System.Globalization;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// The names that the tensors of an AST have had, by who wrote the checkpoint: transformers (as <see cref="AstTensors"/> has them), newer
/// transformers (layers.N, and ViT's newer submodules), and the AST authors' own code on timm.
/// </summary>
internal static class TensorNames
{
    private static readonly Dictionary<string, string> s_layer = new(StringComparer.Ordinal)
    {
        ["attention.q_proj"] = "attention.attention.query",
        ["attention.k_proj"] = "attention.attention.key",
        ["attention.v_proj"] = "attention.attention.value",
        ["attention.attention.q_proj"] = "attention.attention.query",
        ["attention.attention.k_proj"] = "attention.attention.key",
        ["attention.attention.v_proj"] = "attention.attention.value",
        ["attention.query"] = "attention.attention.query",
        ["attention.key"] = "attention.attention.key",
        ["attention.value"] = "attention.attention.value",
        ["attention.o_proj"] = "attention.output.dense",
        ["attention.out_proj"] = "attention.output.dense",
        ["mlp.fc1"] = "intermediate.dense",
        ["mlp.fc2"] = "output.dense",
    };

    private static readonly Dictionary<string, string> s_authors = new(StringComparer.Ordinal)
    {
        ["attn.proj"] = "attention.output.dense",
        ["mlp.fc1"] = "intermediate.dense",
        ["mlp.fc2"] = "output.dense",
        ["norm1"] = "layernorm_before",
        ["norm2"] = "layernorm_after",
    };

    private static readonly string[] s_around = ["module.", "model.", "net.", "base_model.", "ast."];

    private static readonly string[] s_headless = ["embeddings.", "encoder.", "layers.", "layernorm."];

    /// <summary>Whether a file is the AST authors' own.</summary>
    public static bool IsAuthors(ITensorFile file) => file.Tensors.Keys.Any(n => Own(n) == "v.cls_token");

    /// <summary>
    /// The names of the model that a tensor gives, each with the third of its rows; none for one that the model does not have.
    /// </summary>
    public static IEnumerable<(string Name, int? Third)> Of(string name)
    {
        name = Own(name);
        return name.StartsWith("v.", StringComparison.Ordinal) || name.StartsWith("mlp_head.", StringComparison.Ordinal)
            ? OfAuthors(name)
            : [(OfTransformers(name), null)];
    }

    /// <summary>
    /// A name as the model itself has it: torch.compile, DataParallel, Lightning and others put their own words before it, some of them
    /// twice; and transformers' ASTModel, alone, has none of its own.
    /// </summary>
    private static string Own(string name)
    {
        const int most = 4;
        name = name.Replace("_orig_mod.", "", StringComparison.Ordinal);
        for (var i = 0; i < most && s_around.FirstOrDefault(p => name.StartsWith(p, StringComparison.Ordinal)) is { } prefix; i++)
            name = name[prefix.Length..];
        return s_headless.Any(p => name.StartsWith(p, StringComparison.Ordinal)) ? AstTensors.Prefix + name : name;
    }

    private static string OfTransformers(string name)
    {
        foreach (var start in (string[])["encoder.layer.", "encoder.layers.", "layers."])
        {
            var prefix = AstTensors.Prefix + start;
            if (!name.StartsWith(prefix, StringComparison.Ordinal) || Layer(name[prefix.Length..]) is not var (layer, rest))
                continue;
            var (part, kind) = Split(rest);
            return AstTensors.Layer(layer, $"{s_layer.GetValueOrDefault(part, part)}.{kind}");
        }

        return name;
    }

    private static IEnumerable<(string Name, int? Third)> OfAuthors(string name)
    {
        const string blocks = "v.blocks.";
        if (name.StartsWith(blocks, StringComparison.Ordinal) && Layer(name[blocks.Length..]) is var (layer, rest))
        {
            var (part, kind) = Split(rest);
            return part == "attn.qkv"
                ? ((string[])["query", "key", "value"])
                    .Select((p, i) => (AstTensors.Layer(layer, $"attention.attention.{p}.{kind}"), (int?)i))
                : [(AstTensors.Layer(layer, $"{s_authors.GetValueOrDefault(part, part)}.{kind}"), null)];
        }

        var (module, last) = Split(name);
        return (module, last) switch
        {
            ("v", "cls_token") => [(AstTensors.ClsToken, null)],
            ("v", "dist_token") => [(AstTensors.DistillationToken, null)],
            ("v", "pos_embed") => [(AstTensors.PositionEmbeddings, null)],
            ("v.patch_embed.proj", _) => [($"{AstTensors.Projection}.{last}", null)],
            ("v.norm", _) => [($"{AstTensors.FinalLayerNorm}.{last}", null)],
            ("mlp_head.0", _) => [($"{AstTensors.ClassifierLayerNorm}.{last}", null)],
            ("mlp_head.1", _) => [($"{AstTensors.ClassifierDense}.{last}", null)],
            ("v.head" or "v.head_dist", _) => [], // ImageNet's, which the AST does not use
            _ => [(name, null)],
        };
    }

    private static (int Layer, string Part)? Layer(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && int.TryParse(text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out var layer)
            ? (layer, text[(dot + 1)..]) : null;
    }

    private static (string Module, string Kind) Split(string name)
    {
        var dot = name.LastIndexOf('.');
        return dot < 0 ? ("", name) : (name[..dot], name[(dot + 1)..]);
    }
}
