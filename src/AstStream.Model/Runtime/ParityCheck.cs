using System.Globalization;
using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>
/// Compares what a session gives for a fixed sound with logits that were computed in float32 on a CPU with the attention written out. A
/// wrong kernel, a wrong graph, damaged weights or a precision that a model can't bear shows here, before the first window is scored.
/// </summary>
internal static class ParityCheck
{
    /// <summary>The file beside an imported checkpoint, and in the graph cache, that holds the reference logits.</summary>
    public const string FileName = "parity.json";

    private const int MostOnCpu = 8;

    /// <summary>The sound's name: a change of it makes old references void.</summary>
    private const string Sound = "chirp-over-noise-1";

    /// <summary>The largest logit error that a precision may have, for logits of the usual size (up to about ten).</summary>
    public static float Limit(ModelPrecision precision) => precision switch
    {
        ModelPrecision.Float32 => 1e-3f,
        ModelPrecision.Float16 => 2e-2f,
        ModelPrecision.BFloat16 => 0.2f,
        _ => 0.5f,
    };

    /// <summary>
    /// Scores the sound with every batch size and returns the largest error. Every other row holds another sound, so that rows that leak
    /// into each other show. On a CPU, where a window's kernels do not depend on the batch, sizes over eight are left out: they would only
    /// take long.
    /// </summary>
    /// <exception cref="ParityException">It is over the limit, and the graph may still be rebuilt.</exception>
    /// <exception cref="ModelExecutionException">It is over the limit, the graph was rebuilt, and the options refuse that.</exception>
    public static float Run(AstSession session, AstCheckpoint checkpoint, AstSessionOptions options, List<string> warnings, bool isRebuilt)
    {
        var expected = Reference(checkpoint, options, warnings);
        var (worst, at, label) = (0f, 0, 0);
        foreach (var size in session.BatchSizes.Where(s => session.IsOnGpu || s <= MostOnCpu))
        {
            for (var row = 0; row < size; row++)
            {
                var input = session.Input(row);
                FillInput(input, session.Config, checkpoint.Extractor, options.FoldNormalization);
                if (row % 2 != 0)
                    input.Reverse();
            }

            // A CUDA graph is captured in the first run and replayed from then on: what is replayed counts.
            for (var run = 0; run < (session.UsesCudaGraph ? 3 : 1); run++)
                session.RunUnguarded(size);
            for (var row = 0; row < size; row += 2)
            {
                var logits = session.Logits(row);
                for (var i = 0; i < expected.Length; i++)
                {
                    var error = float.IsFinite(logits[i]) ? MathF.Abs(logits[i] - expected[i]) : float.PositiveInfinity;
                    if (error > worst)
                        (worst, at, label) = (error, size, i);
                }
            }
        }

        var limit = Limit(session.Precision);
        if (worst > limit)
        {
            var off = float.IsFinite(worst)
                ? string.Create(CultureInfo.InvariantCulture, $"{worst:0.0000} off")
                : "no finite number, unlike";
            var message = string.Create(
                CultureInfo.InvariantCulture,
                $"{checkpoint.Folder}: on {session.Providers[0].Word()} in {session.Precision.Word()} with {session.Attention.Word()} "
                    + $"attention the logit of '{session.Config.Labels[label]}' is "
                    + $"{off} the float32 reference at batch size {at}; expected at most {limit}");
            if (!isRebuilt)
                throw new ParityException(message);
            if (options.Parity == ParityMode.Refuse)
                throw new ModelExecutionException(
                    $"{message}. Take another precision, attention or provider, or let parity warn only. If it was right before, "
                        + $"{FileName} or the weights are damaged");
            warnings.Add(message);
        }

        return worst;
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
        if (config == checkpoint.Config && Path.Exists(shipped))
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
