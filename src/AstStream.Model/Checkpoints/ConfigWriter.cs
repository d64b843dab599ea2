using System.Text.Encodings.Web;
using System.Text.Json;

namespace AstStream.Model.Checkpoints;

/// <summary>Writes config.json and preprocessor_config.json for a checkpoint that has none.</summary>
internal static class ConfigWriter
{
    private static readonly JsonWriterOptions s_json = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Config(AstConfig config, string dtype) => Json(json =>
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue("ASTForAudioClassification");
        json.WriteEndArray();
        json.WriteNumber("frequency_stride", config.FrequencyStride);
        json.WriteString("hidden_act", config.HiddenAct.Name());
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteStartObject("id2label");
        for (var i = 0; i < config.Labels.Count; i++)
            json.WriteString($"{i}", config.Labels[i]);
        json.WriteEndObject();
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteStartObject("label2id");
        for (var i = 0; i < config.Labels.Count; i++)
            json.WriteNumber(config.Labels[i], i);
        json.WriteEndObject();
        json.WriteNumber("layer_norm_eps", config.LayerNormEps);
        if (config.Localiser is { } localiser)
            Localiser(json, localiser, config.Labels);
        json.WriteNumber("max_length", config.MaxLength);
        json.WriteString("model_type", "audio-spectrogram-transformer");
        json.WriteNumber("num_attention_heads", config.NumAttentionHeads);
        json.WriteNumber("num_hidden_layers", config.NumHiddenLayers);
        json.WriteNumber("num_mel_bins", config.NumMelBins);
        json.WriteNumber("patch_size", config.PatchSize);
        if (config.ProblemType is not null)
            json.WriteString("problem_type", config.ProblemType);
        json.WriteBoolean("qkv_bias", config.QkvBias);
        json.WriteNumber("time_stride", config.TimeStride);
        json.WriteString("torch_dtype", dtype switch { "F16" => "float16", "BF16" => "bfloat16", _ => "float32" });
    });

    public static byte[] Extractor(AstConfig config, ExtractorConfig extractor) => Json(json =>
    {
        json.WriteBoolean("do_normalize", extractor.DoNormalize);
        json.WriteString("feature_extractor_type", "ASTFeatureExtractor");
        json.WriteNumber("feature_size", 1);
        json.WriteNumber("max_length", config.MaxLength);
        json.WriteNumber("mean", extractor.Mean);
        json.WriteNumber("num_mel_bins", config.NumMelBins);
        json.WriteString("padding_side", "right");
        json.WriteNumber("padding_value", 0.0);
        json.WriteBoolean("return_attention_mask", false);
        json.WriteNumber("sampling_rate", 16_000);
        json.WriteNumber("std", extractor.Std);
    });

    private static void Localiser(Utf8JsonWriter json, LocaliserConfig localiser, IReadOnlyList<string> labels)
    {
        json.WriteStartObject("localiser");
        json.WriteStartArray("groups");
        foreach (var group in localiser.Groups)
        {
            json.WriteStartArray();
            foreach (var label in group)
                json.WriteStringValue(labels[label]);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteNumber("intermediate_size", localiser.IntermediateSize);
        json.WriteNumber("layer_norm_eps", localiser.LayerNormEps);
        json.WriteEndObject();
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, s_json))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return memory.ToArray();
    }
}
