using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>The keys of a pipeline definition that do not depend on the connectors.</summary>
internal static class PipelineKeys
{
    public static readonly Key<YamlNode?> Model = Keys.Section("model", "The checkpoint, how windows are cut and how they are batched.");
    public static readonly Key<YamlNode?> Sources = Keys.Section("sources", "Where sound comes from, by names of your choice.", required: true);
    public static readonly Key<YamlNode?> Transforms = Keys.Section("transforms", "What is done to sound before the model, by names of your choice.");
    public static readonly Key<YamlNode?> Events = Keys.Section("events", "How scores become events.");
    public static readonly Key<YamlNode?> Sinks = Keys.Section("sinks", "Where events go, by names of your choice.", required: true);
    public static readonly Key[] Root = [Model, Sources, Transforms, Events, Sinks];

    public static readonly Key<string?> Type = Keys.Text("type", "What kind it is.", required: true);
    public static readonly Key<IReadOnlyList<string>?> Inputs = Keys.Texts("inputs", "The sources or transforms whose sound it takes.");

    public static readonly Key<string?> ModelPath = Keys.Text("path", "A Hugging Face AST folder; relative to this file. The default model where it is not given.");
    public static readonly Key<IReadOnlyList<string>?> ModelInputs = Keys.Texts("inputs", "The sources or transforms whose sound is scored. By default every one that no transform takes.");
    public static readonly Key<TimeSpan?> Hop = Keys.Duration("hop", "From one window's start to the next one's: a multiple of 10ms, at most the window. Half a window by default.", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
    public static readonly Key<string> FunctionToApply = Keys.Choice("function_to_apply", "How logits become scores. auto: as the checkpoint says.", "auto", "auto", "sigmoid", "softmax");
    public static readonly Key<int> PreferredBatchSize = Keys.Integer("preferred_batch_size", "The most windows that are scored in one run; 8 by default.", 8, 1, 1024);
    public static readonly Key<TimeSpan?> MaxQueueDelay = Keys.Duration("max_queue_delay", "How long a window may wait for others to fill its batch; 0ms by default.", TimeSpan.Zero, TimeSpan.FromMinutes(1));
    public static readonly Key<int> Threads = Keys.Integer("threads", "Threads of one run; 0, the default, for all cores.", 0, 0, 256);
    public static readonly Key[] ModelSection = [ModelPath, ModelInputs, Hop, FunctionToApply, PreferredBatchSize, MaxQueueDelay, Threads];

    public static readonly Key<double?> Threshold = Keys.Number("threshold", "The least smoothed score that opens an event; 0.5 by default.", 0, 1);
    public static readonly Key<IReadOnlyDictionary<string, double>?> Thresholds = Keys.Numbers("thresholds", "Thresholds of single labels.", 0, 1);
    public static readonly Key<double?> ReleaseThreshold = Keys.Number("release_threshold", "The least smoothed score that keeps an event open (hysteresis); 0.8 of the label's threshold by default, and never over it.", 0, 1);
    public static readonly Key<IReadOnlyList<string>?> Labels = Keys.Texts("labels", "The labels that make events; all by default.");
    public static readonly Key<int> MedianWindows = Keys.Integer("median_windows", "Windows that the median filter looks at, odd; 1, the default, for none.", 1, 1, 99);
    public static readonly Key<TimeSpan?> MinDuration = Keys.Duration("min_duration", "Shorter events are dropped; 0s by default.", TimeSpan.Zero, TimeSpan.FromHours(1));
    public static readonly Key<TimeSpan?> MergeGap = Keys.Duration("merge_gap", "Events of one label that are at most this far apart become one; 0s by default.", TimeSpan.Zero, TimeSpan.FromHours(1));
    public static readonly Key<TimeSpan?> MaxDuration = Keys.Duration("max_duration", "An event that lasts this long is closed and another one goes on; 10m by default.", TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(30));
    public static readonly Key[] EventSection = [Threshold, Thresholds, ReleaseThreshold, Labels, MedianWindows, MinDuration, MergeGap, MaxDuration];

    public static readonly Key<double?> GainDecibels = Keys.Number("db", "The gain in decibels; 0 by default.", -120, 120);
    public static readonly (string Type, string Doc, Key[] Keys)[] TransformTypes = [("gain", "Multiplies every sample.", [GainDecibels])];
}
