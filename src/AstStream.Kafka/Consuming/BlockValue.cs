using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sources;

namespace AstStream.Kafka.Consuming;

/// <summary>The value of a record of sound, decoded; or what is wrong with it. The default is a record without a value.</summary>
internal readonly record struct BlockValue
{
    /// <summary>The most of a value that can't be used that is kept, in bytes.</summary>
    public const int MostKept = 500_000;

    /// <summary>Its length in bytes.</summary>
    public int Length { get; init; }

    /// <summary>What its headers say.</summary>
    public BlockFormat Format { get; init; }

    /// <summary>The samples; not any stream's yet.</summary>
    public AudioBlock? Sound { get; init; }

    /// <summary>Why it can't be used.</summary>
    public string? Problem { get; init; }

    /// <summary>What it is then.</summary>
    public byte[]? Kept { get; init; }

    /// <summary>Whether there is a value.</summary>
    public bool IsNull => Sound is null && Problem is null;

    /// <summary>The memory that it takes, in bytes.</summary>
    public int Size => ((Sound?.Samples.Length ?? 0) * sizeof(float)) + (Kept?.Length ?? 0);
}
