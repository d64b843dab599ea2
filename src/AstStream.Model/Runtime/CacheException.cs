using AstStream.Model.Checkpoints;

namespace AstStream.Model.Runtime;

/// <summary>The cache of built graphs can't be written.</summary>
internal sealed class CacheException(string message) : InvalidCheckpointException(message);
