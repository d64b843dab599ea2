using System.Globalization;
using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>
/// Compares what a session gives for a fixed sound with logits that were computed in float32 on a CPU with the attention written out. A
/// wrong kernel, a wrong graph, damaged weights or a precision that a model can't bear shows here.
/// </summary>
internal sealed class ParityCheck
{
    /// <summary>The file beside an imported checkpoint, and in the graph cache, that holds the reference logits.</summary>
    public const string FileName = "parity.json";

    /// <summary>The sound's name: a change of it makes old references void.</summary>
    private const string Sound = "chirp-over-noise-1";

    private readonly AstSession _session;
    private readonly AstCheckpoint _checkpoint;
    private readonly AstSessionOptions _options;
    private readonly float[] _expected;
    private int _size; // of the batch with the largest error
    private int _label;

    /// <summary>Begins a check; the reference is read, or computed where there is none.</summary>
    public ParityCheck(AstSession session, AstCheckpoint checkpoint, AstSessionOptions options, List<string> warnings)
    {
        (_session, _checkpoint, _options) = (session, checkpoint, options);
        _expected = Reference(checkpoint, options, warnings);
    }

    /// <summary>The largest logit error that a precision may have, for logits of the usual size (up to about ten).</summary>
    public static float Limit(ModelPrecision precision, bool isTf32 = false) => precision switch
    {
        ModelPrecision.Float32 => isTf32 ? 2e-2f : 1e-3f, // the factors have float16's bits then
        ModelPrecision.Float16 => 2e-2f,
        ModelPrecision.BFloat16 => 0.2f,
        _ => 0.5f,
    };

    /// <summary>The largest logit error so far.</summary>
    public float LargestError { get; private set; }

    /// <summary>
    /// Fills a row with the sound. Every other row holds another one, so that rows that leak into each other show.
    /// </summary>
    public void Fill(Span<float> input, int row)
    {
        FillInput(input, _session.Config, _checkpoint.Extractor, !_options.IsNormalized);
        if (row % 2 != 0)
            input.Reverse();
    }

    /// <summary>Compares the logits of a run over rows that were filled.</summary>
    public void Compare(int size, int slot)
    {
        for (var row = 0; row < size; row += 2)
        {
            var logits = _session.Logits(row, slot);
            for (var i = 0; i < _expected.Length; i++)
            {
                var error = float.IsFinite(logits[i]) ? MathF.Abs(logits[i] - _expected[i]) : float.PositiveInfinity;
                if (error > LargestError)
                    (LargestError, _size, _label) = (error, size, i);
            }
        }
    }

    /// <summary>How the logits are off; null where all are within the limit.</summary>
    public string? Verdict()
    {
        var limit = Limit(_session.Precision, _session.UsesTf32);
        if (LargestError <= limit)
            return null;
        var off = float.IsFinite(LargestError)
            ? string.Create(CultureInfo.InvariantCulture, $"{LargestError:0.0000} off")
            : "no finite number, unlike";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_checkpoint.Folder}: on {_session.Providers[0].Word()} in {_session.Precision.Word()} with {_session.Attention.Word()} "
                + $"attention the logit of '{_session.Config.Labels[_label]}' is "
                + $"{off} the float32 reference at batch size {_size}; expected at most {limit}");
    }

    /// <summary>Computes the reference logits of a checkpoint in its own window and writes them beside it.</summary>
    public static void Write(AstCheckpoint checkpoint, string path, string cacheFolder)
    {
        var logits = Compute(checkpoint, checkpoint.Config, cacheFolder, threads: 0);
        GraphCache.WriteAside(path, ToJson(checkpoint, checkpoint.Config, logits));
    }

    /// <summary>
    /// The sound, as log-mel: two sweeping tones with a decay over a floor of noise, made of whole numbers only, so that it is the same to
    /// the last bit everywhere. The last eighth is padding, as after a clip that is shorter than the window.
    /// </summary>
    public static void FillInput(Span<float> input, AstConfig config, ExtractorConfig extractor, bool raw)
    {
        var bins = config.NumMelBins;
        var heard = config.MaxLength - (config.MaxLength / 8);
        var state = 0x9E3779B9u;
        for (var frame = 0; frame < config.MaxLength; frame++)
        {
            var row = input.Slice(frame * bins, bins);
            var up = frame * bins / config.MaxLength;
            var down = bins - 1 - (frame * 3 % bins);
            for (var bin = 0; bin < bins; bin++)
            {
                state = (state * 1664525) + 1013904223; // Numerical Recipes' generator
                var sixteenths = -160 + (int)((state >> 24) % 48);
                sixteenths = Math.Max(sixteenths, 48 - (12 * Math.Abs(bin - up)) - (frame % 64));
                sixteenths = Math.Max(sixteenths, 16 - (16 * Math.Abs(bin - down)) - (frame % 32 * 2));
                var value = frame < heard ? sixteenths / 16f : 0f;
                row[bin] = raw || !extractor.DoNormalize ? value : (value - extractor.Mean) / (2 * extractor.Std);
            }
        }
    }

    private static float[] Reference(AstCheckpoint checkpoint, AstSessionOptions options, List<string> warnings)
    {
        var config = options.Config ?? checkpoint.Config;
        var shipped = Path.Combine(checkpoint.Folder, FileName);
        if (config == checkpoint.Config && checkpoint.View is null && Path.Exists(shipped)) // a view has logits of its own
        {
            if (Read(shipped, checkpoint, config) is { } theirs)
                return theirs;
            var message = $"{shipped}: is damaged, or was not computed from these weights and this configuration; if they were changed on "
                + $"purpose, import the model again or remove this file";
            if (options.Parity == ParityMode.Refuse)
                throw new ModelExecutionException(message);
            warnings.Add(message);
        }

        var kept = Path.Combine(GraphCache.Folder(checkpoint, config, options.CacheFolder), FileName);
        if (File.Exists(kept) && Read(kept, checkpoint, config) is { } known)
            return known;
        var logits = Compute(checkpoint, config, options.CacheFolder, options.Threads);
        GraphCache.Store(checkpoint, kept, ToJson(checkpoint, config, logits));
        return logits;
    }

    private static float[] Compute(AstCheckpoint checkpoint, AstConfig config, string cacheFolder, int threads)
    {
        using var session = AstSession.Create(checkpoint, new AstSessionOptions
        {
            Config = config,
            BatchSizes = [1],
            Threads = threads,
            Attention = AttentionImplementation.Eager,
            Outputs = AstOutputs.LastHiddenState, // all tokens through all layers, without the last one's shortcut
            Parity = ParityMode.Off,
            CacheFolder = cacheFolder,
        });
        FillInput(session.Input(0), config, checkpoint.Extractor, raw: true);
        session.Run(1);
        return session.Logits(0).ToArray();
    }

    private static byte[] ToJson(AstCheckpoint checkpoint, AstConfig config, float[] logits)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("sound", Sound);
            json.WriteString("checkpoint_sha256", checkpoint.Hash);
            json.WriteNumber("max_length", config.MaxLength);
            json.WriteNumber("frequency_stride", config.FrequencyStride);
            json.WriteNumber("time_stride", config.TimeStride);
            json.WriteStartArray("logits");
            foreach (var logit in logits)
                json.WriteNumberValue(logit);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return memory.ToArray();
    }

    /// <summary>The logits of a file; null where it is not for this checkpoint, window and sound.</summary>
    private static float[]? Read(string path, AstCheckpoint checkpoint, AstConfig config)
    {
        try
        {
            using var json = ConfigReader.Parse(path, out _);
            return Read(json.RootElement, checkpoint, config);
        }
        catch (InvalidCheckpointException)
        {
            return null; // no JSON at all
        }
    }

    private static float[]? Read(JsonElement root, AstCheckpoint checkpoint, AstConfig config)
    {
        bool Is(string key, int value) => root.TryGetProperty(key, out var found) && found.ValueKind == JsonValueKind.Number
            && found.TryGetInt32(out var number) && number == value;
        bool Says(string key, string value) => root.TryGetProperty(key, out var found) && found.ValueKind == JsonValueKind.String
            && found.GetString() == value;
        if (!Says("sound", Sound) || !Says("checkpoint_sha256", checkpoint.Hash)
            || !Is("max_length", config.MaxLength) || !Is("frequency_stride", config.FrequencyStride)
                || !Is("time_stride", config.TimeStride)
            || !root.TryGetProperty("logits", out var list) || list.ValueKind != JsonValueKind.Array
                || list.GetArrayLength() != config.Labels.Count)
            return null;
        var logits = new float[config.Labels.Count];
        for (var i = 0; i < logits.Length; i++)
        {
            if (list[i].ValueKind != JsonValueKind.Number || !list[i].TryGetSingle(out logits[i]) || !float.IsFinite(logits[i]))
                return null;
        }

        return logits;
    }
}
