using AstStream.Kafka.Blocks;

namespace AstStream.Kafka.Producing;

/// <summary>A record of sound that brokers do not have yet.</summary>
/// <param name="Number">Its place in the order.</param>
/// <param name="Stream">Its key.</param>
/// <param name="Value">Its value; null for the end of a stream.</param>
/// <param name="Format">Its headers; null with the end.</param>
internal sealed record AudioMessage(long Number, string Stream, byte[]? Value, BlockFormat? Format)
{
    private const int Overhead = 200; // of a record, in bytes

    /// <summary>What it takes, in bytes.</summary>
    public int Size => (Value?.Length ?? 0) + Overhead;
}
