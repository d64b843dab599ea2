namespace AstStream.Connectors.Capture;

/// <summary>Whole sample frames, interleaved.</summary>
/// <param name="Bytes">The frames; valid until the next read. Empty at the end.</param>
/// <param name="IsBreak">Whether sound is missing before them.</param>
/// <param name="Captured">When the last sample was heard; null where nobody says.</param>
/// <param name="BootTime">The same by this machine's CLOCK_BOOTTIME in nanoseconds, where it says so.</param>
internal readonly record struct PcmChunk(ReadOnlyMemory<byte> Bytes, bool IsBreak, DateTimeOffset? Captured, long? BootTime);
