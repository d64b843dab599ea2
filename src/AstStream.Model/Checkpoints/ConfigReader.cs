using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Unicode;

namespace AstStream.Model.Checkpoints;

/// <summary>Reads config.json, preprocessor_config.json and thresholds.json and collects every problem before it throws.</summary>
internal sealed class ConfigReader
{
    internal const int MaxLabels = 65536;
    private const int MaxBytes = 16 << 20;

    private readonly string _file;
    private readonly JsonElement _root;
    private readonly List<string> _problems = [];

    private ConfigReader(string file, JsonElement root)
    {
        _file = file;
        _root = root;
    }

    /// <summary>Reads config.json; <paramref name="note"/> says what was changed about it.</summary>
    public static AstConfig ReadConfig(string file, out byte[] hash, out string? note)
    {
        using var json = Parse(file, out var bytes);
        hash = SHA256.HashData(bytes);
        var reader = new ConfigReader(file, json.RootElement);
        var config = reader.Config();
        reader.ThrowIfAny();
        return config with { Labels = LabelNames.Distinct(config.Labels, out note) };
    }

    public static ExtractorConfig ReadExtractor(string file, AstConfig config)
    {
        using var json = Parse(file, out _);

        // A processor's file has the extractor's numbers one level down.
        var reader = new ConfigReader(
            file, json.RootElement.TryGetProperty(
                "feature_extractor", out var inner) && inner.ValueKind == JsonValueKind.Object ? inner : json.RootElement);
        var extractor = reader.Extractor(config);
        reader.ThrowIfAny();
        return extractor;
    }

    /// <summary>The thresholds by class index, NaN where the file names none; null where there is no file.</summary>
    public static float[]? ReadThresholds(string file, AstConfig config)
    {
        if (!File.Exists(file))
            return null;
        using var json = Parse(file, out _);
        var reader = new ConfigReader(file, json.RootElement);
        var thresholds = reader.Thresholds(config);
        reader.ThrowIfAny();
        return thresholds;
    }

    internal static JsonDocument Parse(string file, out byte[] bytes)
    {
        try
        {
            var length = new FileInfo(file).Length;
            if (length > MaxBytes)
                throw new InvalidCheckpointException($"{file}: {length} bytes; expected a JSON file of at most {MaxBytes}");
            if (length == 0)
                throw new InvalidCheckpointException($"{file}: 0 bytes, or no regular file; expected a JSON file");
            bytes = File.ReadAllBytes(file);
            if (!Utf8.IsValid(bytes))
                throw new InvalidCheckpointException($"{file}: not valid UTF-8; expected a JSON file");
            var json = JsonDocument.Parse(bytes);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
                return json;
            throw new InvalidCheckpointException($"{file}: holds {Name(json.RootElement)}; expected a JSON object");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidCheckpointException($"{file}: no such file; {AstCheckpoint.Expected}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidCheckpointException($"{file}: can't be read: {e.Message}");
        }
        catch (JsonException e)
        {
            if (ForeignFile.What(file) is { } what)
                throw new InvalidCheckpointException($"{file}: {what}");
            throw new InvalidCheckpointException(
                $"{file}:{e.LineNumber + 1}:{e.BytePositionInLine + 1}: not valid JSON: {FirstSentence(e.Message)}");
        }
    }

    private AstConfig Config()
    {
        var type = Text("model_type");
        if (type is not null and not "audio-spectrogram-transformer")
            Problem("model_type", $"\"{type}\"", "\"audio-spectrogram-transformer\"; other architectures can't be run");
        var act = Text("hidden_act") ?? "gelu";
        if (!HiddenActs.All.ContainsKey(act))
            Problem("hidden_act", $"\"{act}\"", string.Join(", ", HiddenActs.All.Keys.Select(k => $"\"{k}\"")));
        var problem = Text("problem_type");
        if (problem is not null and not ("single_label_classification" or "multi_label_classification" or "regression"))
            Problem("problem_type", $"\"{problem}\"", "single_label_classification, multi_label_classification or regression");

        // The defaults are ASTConfig's own.
        var config = new AstConfig
        {
            HiddenSize = Integer("hidden_size", 768, 1, 16384),
            NumHiddenLayers = Integer("num_hidden_layers", 12, 1, 256),
            NumAttentionHeads = Integer("num_attention_heads", 12, 1, 1024),
            IntermediateSize = Integer("intermediate_size", 3072, 1, 65536),
            LayerNormEps = (float)Number("layer_norm_eps", 1e-12, 0, 1),
            PatchSize = Integer("patch_size", 16, 1, 256),
            QkvBias = Flag("qkv_bias", true),
            FrequencyStride = Integer("frequency_stride", 10, 1, 256),
            TimeStride = Integer("time_stride", 10, 1, 1024),
            MaxLength = Integer("max_length", 1024, 1, 65536),
            NumMelBins = Integer("num_mel_bins", 128, 1, 256),
            Labels = Labels(),
            ProblemType = problem,
            HiddenAct = HiddenActs.All.GetValueOrDefault(act),
        };
        config = config with { Localiser = Localiser(config.Labels) };
        if (_problems.Count > 0)
            return config;
        if (config.HiddenSize % config.NumAttentionHeads != 0)
            Problem("num_attention_heads", $"{config.NumAttentionHeads}", $"a divisor of hidden_size, {config.HiddenSize}");
        if (config.PatchSize > config.MaxLength)
            Problem("patch_size", $"{config.PatchSize}", $"at most max_length, {config.MaxLength}");
        if (config.PatchSize > config.NumMelBins)
            Problem("patch_size", $"{config.PatchSize}", $"at most num_mel_bins, {config.NumMelBins}");
        if (_problems.Count == 0 && config.IsTooLarge)
            _problems.Add($"{_file}: max_length: {config.TooLarge}; are the strides right?");
        return config;
    }

    private ExtractorConfig Extractor(AstConfig config)
    {
        var type = Text("feature_extractor_type");
        if (type is not null and not "ASTFeatureExtractor")
            Problem("feature_extractor_type", $"\"{type}\"", "\"ASTFeatureExtractor\"");
        Same("sampling_rate", 16_000, 16_000, "the front end's rate");
        Same("num_mel_bins", 128, config.NumMelBins, "num_mel_bins of config.json");
        Same("max_length", 1024, config.MaxLength, "max_length of config.json");

        // feature_size, padding_value, padding_side and return_attention_mask are there, and never used: the extractor pads log-mel with
        // zeros.
        var std = Number("std", ExtractorConfig.AudioSet.Std, 1e-6, 1e6);
        return new ExtractorConfig((float)Number("mean", ExtractorConfig.AudioSet.Mean, -1e6, 1e6), (float)std, Flag("do_normalize", true));
    }

    private float[] Thresholds(AstConfig config)
    {
        var labels = config.Labels;
        var thresholds = new float[labels.Count];
        thresholds.AsSpan().Fill(float.NaN);
        if (!_root.TryGetProperty("thresholds", out var map) || map.ValueKind != JsonValueKind.Object)
        {
            Problem("thresholds", map.ValueKind == JsonValueKind.Undefined ? "nothing" : Name(map), "an object from label to score");
            return thresholds;
        }

        foreach (var entry in map.EnumerateObject())
        {
            var meant = LabelNames.Meant(entry.Name, labels).ToList();
            if (meant.Count == 0)
            {
                Problem("thresholds", $"label \"{entry.Name}\"", "labels of config.json");
            }
            else if (entry.Value.ValueKind == JsonValueKind.Number && entry.Value.TryGetSingle(out var threshold)
                && threshold is >= 0 and <= 1)
            {
                foreach (var label in meant.Where(l => labels[l] == entry.Name || !map.TryGetProperty(labels[l], out _)))
                    thresholds[label] = threshold;
            }
            else
            {
                Problem($"thresholds.{entry.Name}", Name(entry.Value), "a score from 0 to 1");
            }
        }

        return thresholds;
    }

    private List<string> Labels()
    {
        if (!_root.TryGetProperty("id2label", out var map) || map.ValueKind == JsonValueKind.Null)
        {
            // As transformers does: num_labels unnamed classes, two unless it says otherwise.
            return [.. Enumerable.Range(0, Integer("num_labels", 2, 1, MaxLabels)).Select(i => $"LABEL_{i}")];
        }

        if (map.ValueKind != JsonValueKind.Object)
        {
            Problem("id2label", Name(map), "an object from class index to label");
            return [];
        }

        var labels = new SortedDictionary<int, string>();
        foreach (var entry in map.EnumerateObject())
        {
            if (!int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                Problem("id2label", $"key \"{entry.Name}\"", "a class index");
            else if (entry.Value.ValueKind != JsonValueKind.String)
                Problem($"id2label.{id}", Name(entry.Value), "a string");
            else if (!labels.TryAdd(id, entry.Value.GetString()!))
                Problem("id2label", $"index {id} twice", "each index once");
        }

        var missing = Enumerable.Range(0, labels.Count).FirstOrDefault(i => !labels.ContainsKey(i), labels.Count == 0 ? 0 : -1);
        if (missing >= 0)
            Problem("id2label", $"no label {missing}", "all indices from 0 on, without a hole");
        return [.. labels.Values];
    }

    private LocaliserConfig? Localiser(IReadOnlyList<string> labels)
    {
        if (!_root.TryGetProperty("localiser", out var own) || own.ValueKind == JsonValueKind.Null)
            return null;
        if (own.ValueKind != JsonValueKind.Object)
        {
            Problem("localiser", Name(own), "an object");
            return null;
        }

        var reader = new ConfigReader($"{_file}: localiser", own);
        var localiser = new LocaliserConfig
        {
            IntermediateSize = reader.Integer("intermediate_size", 192, 1, 65536),
            LayerNormEps = (float)reader.Number("layer_norm_eps", 1e-5, 0, 1),
            Groups = reader.Groups(labels),
        };
        _problems.AddRange(reader._problems);
        return localiser;
    }

    /// <summary>The labels of each of the localiser's outputs, by index.</summary>
    private List<IReadOnlyList<int>> Groups(IReadOnlyList<string> labels)
    {
        var index = labels.Index().DistinctBy(l => l.Item).ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        var groups = new List<IReadOnlyList<int>>();
        if (!_root.TryGetProperty("groups", out var all) || all.ValueKind != JsonValueKind.Array
            || all.GetArrayLength() is 0 or > MaxLabels)
        {
            Problem(
                "groups", all.ValueKind == JsonValueKind.Undefined ? "nothing" : Name(all), "a list with a list of labels for each output");
            return groups;
        }

        foreach (var (i, group) in all.EnumerateArray().Index())
        {
            var isList = group.ValueKind == JsonValueKind.Array && group.GetArrayLength() > 0;
            if (!isList)
                Problem($"groups[{i}]", Name(group), "a list of labels");
            var members = isList ? group.EnumerateArray().Select(l => l.ValueKind == JsonValueKind.String
                ? index.GetValueOrDefault(l.GetString()!, -1) : -1).ToList() : [];
            if (members.IndexOf(-1) is >= 0 and var wrong)
                Problem($"groups[{i}][{wrong}]", Shortened(group[wrong]), "a label of id2label");
            groups.Add(members);
        }

        return groups;
    }

    private void Same(string key, int absent, int expected, string what)
    {
        var found = Integer(key, absent, int.MinValue, int.MaxValue);
        if (found != expected)
            Problem(key, $"{found}", $"{expected}, {what}");
    }

    private int Integer(string key, int absent, int min, int max)
    {
        if (!_root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return absent;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= min && number <= max)
            return number;
        Problem(key, Name(value), $"a whole number from {min} to {max}");
        return absent;
    }

    private double Number(string key, double absent, double min, double max)
    {
        if (!_root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return absent;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number >= min && number <= max)
            return number;
        Problem(key, Name(value), string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"));
        return absent;
    }

    private bool Flag(string key, bool absent)
    {
        if (!_root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return absent;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return value.GetBoolean();
        Problem(key, Name(value), "true or false");
        return absent;
    }

    private string? Text(string key)
    {
        if (!_root.TryGetProperty(key, out var value) || value.ValueKind == JsonValueKind.Null)
            return null;
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        Problem(key, Name(value), "a string");
        return null;
    }

    private void Problem(string key, string found, string expected) => _problems.Add($"{_file}: {key}: found {found}; expected {expected}");

    private void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw new InvalidCheckpointException(string.Join('\n', _problems));
    }

    private static string Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => Shortened(value),
    };

    /// <summary>A JSON value as it is written, cut to a length that fits into a message.</summary>
    internal static string Shortened(JsonElement value) =>
        value.GetRawText() is { Length: > 60 } text ? text[..57] + "..." : value.GetRawText();

    private static string FirstSentence(string message) => message.Split(" LineNumber")[0].Split(" Path:")[0];
}
