using System.Globalization;
using System.Text;
using AstStream.Kafka.Blocks;
using Confluent.Kafka;

namespace AstStream.Kafka.Administration;

/// <summary>A record that could not be used, as it lies among the dead letters.</summary>
/// <param name="Partition">Where it lies.</param>
/// <param name="Offset">Where it lies in that.</param>
/// <param name="Written">When it was put there.</param>
/// <param name="Key">Its stream; null where it had none.</param>
/// <param name="Value">Its sound, or the beginning of it.</param>
/// <param name="Headers">Its headers, with those that say why it is here.</param>
public sealed record DeadRecord(int Partition, long Offset, DateTime Written, string? Key, byte[]? Value, Headers Headers)
{
    /// <summary>Why it could not be used; empty where it does not say.</summary>
    public string Error => Text(DeadLetterHeaders.Error) ?? "";

    /// <summary>The topic that it came from; null where it does not say, and is no dead letter.</summary>
    public string? SourceTopic => Text(DeadLetterHeaders.Topic);

    /// <summary>Where it came from, as TOPIC/PARTITION/OFFSET.</summary>
    public string Source => $"{SourceTopic}/{Text(DeadLetterHeaders.Partition)}/{Text(DeadLetterHeaders.Offset)}";

    /// <summary>The bytes that it had, where only the beginning is here; else null.</summary>
    public long? FullLength => long.TryParse(Text(DeadLetterHeaders.Length), CultureInfo.InvariantCulture, out var length) ? length : null;

    /// <summary>The headers that it had at first.</summary>
    internal Headers OwnHeaders()
    {
        var headers = new Headers();
        foreach (var header in Headers.Where(h => !DeadLetterHeaders.All.Contains(h.Key)))
            headers.Add(header.Key, header.GetValueBytes());
        return headers;
    }

    private string? Text(string name) => Headers.TryGetLastBytes(name, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
