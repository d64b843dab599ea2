using AstStream.Streaming.Decoding;
using AstStream.Streaming.Definitions;

namespace AstStream.Streaming.Pipelines;

/// <summary>What a pipeline needs from its host.</summary>
public sealed record PipelineHost
{
    /// <summary>The types of sources and sinks.</summary>
    public required ComponentCatalog Catalog { get; init; }

    /// <summary>The model of a pipeline that names none.</summary>
    public required string DefaultModel { get; init; }

    /// <summary>What stands before each stream's decoder: for trials that decode the same scores in other ways, too. Nothing by default.
    /// </summary>
    public DecoderTap? DecoderTap { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
