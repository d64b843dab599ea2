using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>The keys of a pipeline definition that do not depend on the connectors.</summary>
internal static class PipelineKeys
{
    public static readonly Key<YamlNode?> Model = Keys.Section("model", "The checkpoint, how windows are cut and how they are batched.");
    public static readonly Key<YamlNode?> Models = Keys.Section(
        "models", "Several models, by names of your choice, in place of model and events: each hears the same sound, and has its own "
            + "events section.");
    public static readonly Key<YamlNode?> Sources = Keys.Section(
        "sources", "Where sound comes from, by names of your choice.", required: true);
    public static readonly Key<YamlNode?> Transforms = Keys.Section(
        "transforms", "What is done to sound before the model, by names of your choice.");
    public static readonly Key<YamlNode?> Events = Keys.Section("events", "How scores become events.");
    public static readonly Key<YamlNode?> Sinks = Keys.Section(
        "sinks", "Where events go, by names of your choice. Required, unless there is a `station` or `notify`.");
    public static readonly Key<int> Lanes = Keys.Integer(
        "lanes", "Threads' worth of front ends, for live streams and for others; 0, the default, for one a core, at most 8.", 0, 0, 64);
    public static readonly Key[] Root = [Model, Models, Sources, Transforms, Events, Sinks, Lanes];

    public static readonly Key<string?> Type = Keys.Text("type", "What kind it is.", required: true);
    public static readonly Key<IReadOnlyList<string>?> Inputs = Keys.Texts("inputs", "The sources or transforms whose sound it takes.");

    public static readonly Key<IReadOnlyList<string>?> SinkModels = Keys.Texts(
        "models", "The models whose records it gets; all by default.");
    public static readonly Key<IReadOnlyList<string>?> SinkLabels = Keys.Texts(
        "labels", "The labels, or views, whose events it gets, those below them in AudioSet's ontology included; all by default.");
    public static readonly Key<IReadOnlyList<string>?> SinkStreams = Keys.Texts(
        "streams", "The streams whose records it gets, by names or patterns with *; all by default.");
    public static readonly Key<double?> MinScore = Keys.Number(
        "min_score", "The least score of the events that it gets; 0 by default.", 0, 1);
    public static readonly Key<IReadOnlyList<string>> Records = Keys.Choices(
        "records", "What it gets: events (the default), coverage (what became of every interval of time: analysed, gated or lost), scores "
            + "(those of every window), audio (the sound itself), or several of them, as far as its type "
            + "takes them.", ["events"], "events", "coverage", "scores", "audio");
    public static readonly Key<int> Buffer = Keys.Integer("buffer", "Records that may wait for it; 1000 by default.", 1000, 1, 1_000_000);
    public static readonly Key<string> WhenFull = Keys.Choice("when_full", "What happens when that many wait. wait (the default): "
        + "everything before it waits, and live sources lose sound, which is counted. drop_newest: this sink misses records, which is "
        + "counted. A console waits by default only as long as somebody reads it: after a second without that its lines are dropped and "
        + "counted.", "", "wait", "drop_newest");
    public static readonly Key<TimeSpan?> RetryFor = Keys.Duration("retry_for", "How long a write that fails is tried again before the "
        + "sink is out (on_failure); 1m by default, 0s for not at all.", TimeSpan.Zero, TimeSpan.FromDays(365));
    public static readonly Key<string> OnFailure = Keys.Choice("on_failure", "What happens when it could not write for retry_for. out "
        + "(the default): this sink alone is out, its records are dropped and counted, and it is tried until it writes again; records of "
        + "Kafka streams wait instead. stop: the run ends.", "out", "out", "stop");
    public static readonly Key[] SinkKeys = [SinkModels, SinkLabels, SinkStreams, MinScore, Records, Buffer, WhenFull, RetryFor, OnFailure];

    public static readonly Key<string?> ModelPath = Keys.Text(
        "path", "A Hugging Face AST folder; relative to this file. The default model where it is not given.");
    public static readonly Key<IReadOnlyList<string>?> Ensemble = Keys.Texts(
        "ensemble", "Several Hugging Face AST folders in place of path: each window is scored by all of them, and their scores are "
            + "averaged. They have the same labels and the same window.");
    public static readonly Key<string?> Shadow = Keys.Text(
        "shadow", "Another Hugging Face AST folder, which scores the same sound besides: what it would report is published nowhere, and a "
            + "station shows where the two differ. It runs as this one does. aststream model promote exchanges the two.");
    public static readonly Key<IReadOnlyList<string>?> ModelInputs = Keys.Texts(
        "inputs", "The sources or transforms whose sound is scored. By default every one that no transform takes.");
    public static readonly Key<TimeSpan?> Hop = Keys.Duration(
        "hop", "From one window's start to the next one's: a multiple of 10ms, at most the window. Half a window by default.",
        TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
    public static readonly Key<TimeSpan?> MaxHop = Keys.Duration(
        "max_hop", "How far a live stream's hop may be stretched when more windows come than can be scored: hop (never) to window. The "
            + "window by default, so that every sample is still heard.", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
    public static readonly Key<TimeSpan?> MaxAge = Keys.Duration(
        "max_age", "A live stream's window whose last sample is older than this is not scored but counted as lost. 10s by default, or "
            + "three times the largest batch's time if that is longer.", TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
    public static readonly Key<bool> Gate = Keys.Flag(
        "gate", "Whether windows that stay within the stream's learnt noise floor are kept from the model and counted as gated; false by "
            + "default.");
    public static readonly Key<YamlNode?> Sessions = Keys.List(
        "sessions", "Several sessions that share the windows, for example one a GPU: a list of mappings with the keys of this section "
            + "that say how a model runs (providers, device_id, precision, preferred_batch_size…), each laid over the section's own.");
    public static readonly Key<TimeSpan?> Window = Keys.Duration(
        "window", "Another window than the checkpoint's: a multiple of 10ms. The position embeddings are cropped from their centre, or "
            + "interpolated.", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
    public static readonly Key<int?> FrequencyStride = Keys.OptionalInteger(
        "frequency_stride", "Another distance of patches than the checkpoint's, in mel bins.", 1, 256);
    public static readonly Key<int?> TimeStride = Keys.OptionalInteger(
        "time_stride", "Another distance of patches than the checkpoint's, in frames of 10 ms.", 1, 1024);
    public static readonly Key<string> FunctionToApply = Keys.Choice(
        "function_to_apply", "How logits become scores. auto: as the checkpoint says.", "auto", "auto", "sigmoid", "softmax");
    public static readonly Key<IReadOnlyList<int>> PreferredBatchSize = Keys.Integers(
        "preferred_batch_size",
        "The batch sizes that are run, in windows: a list, or one number for the powers of two up to it. By default 8 on a CPU, and on a "
            + "GPU what it likes of up to 64, measured at the first start. Int8 scores window by window whatever it is.", [], 1,
        AstSessionOptions.MaxBatchSize);
    public static readonly Key<TimeSpan?> MaxQueueDelay = Keys.Duration(
        "max_queue_delay", "How long a window may wait for others to fill its batch; 0ms by default.", TimeSpan.Zero,
        TimeSpan.FromMinutes(1));
    public static readonly Key<int> Threads = Keys.Integer(
        "threads", "Threads of one run on the CPU; 0, the default, for all cores.", 0, 0, AstSessionOptions.MaxThreads);
    public static readonly Key<string> Precision = Keys.Choice(
        "precision", "The precision of the encoder's products. auto, the default: float32 on a CPU; on a GPU float16, or bfloat16 or "
            + "float32 where the model's parity does not bear that. float16 and bfloat16 are for GPUs, int8 is for the CPU.",
        ModelDefinition.Auto, [ModelDefinition.Auto, .. EnumWords.All<ModelPrecision>()]);
    public static readonly Key<bool> Tf32 = Keys.Flag(
        "tf32", "Whether float32 on a GPU takes TF32 products, several times faster, their factors rounded to 10 bits; true by default.",
        true);
    public static readonly Key<string> Attention = Keys.Choice(
        "attention", "sdpa, the default: fused into one operator; eager: written out.", "sdpa", EnumWords.All<AttentionImplementation>());
    public static readonly Key<IReadOnlyList<string>> Providers = Keys.Choices(
        "providers", "What the model runs on, the first one first; cpu by default. What a provider can't run goes to the next one.",
        ["cpu"], EnumWords.All<ExecutionProvider>());
    public static readonly Key<bool> Fallback = Keys.Flag(
        "fallback", "Whether a provider that can't be had is passed over with a warning; false, the default, refuses to start.");
    public static readonly Key<int> DeviceId = Keys.Integer("device_id", "The GPU's number; 0 by default.", 0, 0, 255);
    public static readonly Key<long?> GpuMemoryLimit = Keys.Size(
        "gpu_mem_limit",
        "The most GPU memory of the model's arena (with TensorRT, of its workspace); no limit by default. CUDA's own libraries take some "
            + "hundred megabytes besides.", 64_000_000, 1_000_000_000_000);
    public static readonly Key<bool> CudaGraph = Keys.Flag(
        "cuda_graph", "Whether each batch size runs as a CUDA graph on cuda; true by default.", true);
    public static readonly Key<string> Parity = Keys.Choice(
        "parity", "What happens when the model's scores for a built-in sound, on this provider and in this precision, are not the float32 "
            + "reference's: refuse (the default), warn, or off.", "refuse", EnumWords.All<ParityMode>());
    public static readonly Key[] SessionKeys = [PreferredBatchSize, Threads, Precision, Tf32, Attention, Providers, Fallback, DeviceId,
        GpuMemoryLimit, CudaGraph, Parity];
    public static readonly Key[] ModelSection = [ModelPath, Ensemble, Shadow, ModelInputs, Hop, MaxHop, Window, FrequencyStride, TimeStride,
        FunctionToApply, MaxQueueDelay, MaxAge, Gate, .. SessionKeys, Sessions];

    public static readonly Key<YamlNode?> ModelEvents = Keys.Section("events", "How this model's scores become events.");

    public static readonly Key<double?> GainDecibels = Keys.Number("db", "The gain in decibels; 0 by default.", -120, 120);
    public static readonly (string Type, string Doc, Key[] Keys)[] TransformTypes = [("gain", "Multiplies every sample.", [GainDecibels])];
}
