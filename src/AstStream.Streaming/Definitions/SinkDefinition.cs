using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>A sink as a definition says it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">The values of its type.</param>
/// <param name="Options">What it gets and what happens when it fails.</param>
/// <param name="Fingerprint">Equal for definitions that say the same.</param>
/// <param name="Places">Where it stands.</param>
internal sealed record SinkDefinition(string Name, SinkSettings Settings, SinkOptions Options, string Fingerprint, SectionPlaces Places)
{
    /// <summary>Reads what all sinks have in common.</summary>
    public static SinkOptions ReadOptions(SectionReader section)
    {
        var records = section.Get(PipelineKeys.Records);
        var options = new SinkOptions
        {
            Models = section.Get(PipelineKeys.SinkModels),
            Labels = section.Get(PipelineKeys.SinkLabels),
            Streams = section.Get(PipelineKeys.SinkStreams),
            MinScore = section.Get(PipelineKeys.MinScore) ?? 0,
            Events = records.Contains("events"),
            Coverage = records.Contains("coverage"),
            Scores = records.Contains("scores"),
            Audio = records.Contains("audio"),
            Buffer = section.Get(PipelineKeys.Buffer),
            StopsRun = section.Get(PipelineKeys.OnFailure) == "stop",
            Waits = section.Get(PipelineKeys.WhenFull) switch
            {
                "wait" => true,
                "drop_newest" => false,
                _ => null,
            },
        };
        return section.Get(PipelineKeys.RetryFor) is { } retryFor ? options with { RetryFor = retryFor } : options;
    }
}
