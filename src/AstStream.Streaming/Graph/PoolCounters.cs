using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace AstStream.Streaming.Graph;

/// <summary>How many pooled objects are out: taken and not given back. None are, when no graph runs.</summary>
public static class PoolCounters
{
    private static readonly ConcurrentDictionary<string, StrongBox<long>> s_out = new(StringComparer.Ordinal);

    /// <summary>Objects that are out now, over all pools of the process.</summary>
    public static long Outstanding => s_out.Values.Sum(c => Interlocked.Read(ref c.Value));

    /// <summary>The same by type, in words.</summary>
    public static string Summary =>
        string.Join(", ", s_out.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value.Value}"));

    internal static StrongBox<long> Of(string type) => s_out.GetOrAdd(type, _ => new StrongBox<long>());
}
