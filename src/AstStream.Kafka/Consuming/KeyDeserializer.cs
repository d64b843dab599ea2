using System.Text;
using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>Reads a key as text; the same key is the same object.</summary>
internal sealed class KeyDeserializer : IDeserializer<string?>
{
    private const int MostKnown = 100_000;
    private const int LongestKey = 1024;

    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    public string? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        if (isNull || data.IsEmpty)
            return null;
        if (data.Length > LongestKey)
            data = data[..LongestKey];
        Span<char> text = stackalloc char[LongestKey];
        var name = text[..Encoding.UTF8.GetChars(data, text)];
        var lookup = _known.GetAlternateLookup<ReadOnlySpan<char>>();
        if (lookup.TryGetValue(name, out var known))
            return known;
        if (_known.Count >= MostKnown)
            _known.Clear();
        return lookup[name] = name.ToString();
    }
}
