namespace AstStream.Kafka.Blocks;

/// <summary>The headers by which a dead letter says why it is one, and where it came from; docs/wire-format.md lists them.</summary>
internal static class DeadLetterHeaders
{
    public const string Error = "error";
    public const string Topic = "source_topic";
    public const string Partition = "source_partition";
    public const string Offset = "source_offset";
    public const string Length = "source_length";

    /// <summary>All of them.</summary>
    public static IReadOnlySet<string> All { get; } =
        new HashSet<string>([Error, Topic, Partition, Offset, Length], StringComparer.Ordinal);
}
