using AstStream.Kafka.Consuming;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Definitions;

namespace AstStream.Kafka;

/// <summary>What pipelines can name of Kafka's.</summary>
public static class KafkaCatalog
{
    /// <summary>The source and the sink.</summary>
    public static ComponentCatalog All { get; } = new() { Sources = [KafkaSource.Type], Sinks = [KafkaSink.Type] };
}
