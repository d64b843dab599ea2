using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AstStream.Station.Web;

/// <summary>Who has logged in. What a browser keeps is only known here by its hash. Safe for many threads.</summary>
internal sealed class Sessions(TimeProvider time)
{
    private const int Most = 1000;

    private static readonly TimeSpan s_life = TimeSpan.FromDays(30);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _ends = new(StringComparer.Ordinal); // by hash

    /// <summary>Somebody has logged in: what the browser is to keep.</summary>
    public string Begin()
    {
        while (_ends.Count >= Most)
            _ends.TryRemove(_ends.MinBy(s => s.Value));
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        _ends[HashOf(secret)] = time.GetUtcNow() + s_life;
        return secret;
    }

    /// <summary>Whether a browser's secret is one of a session that goes on.</summary>
    public bool IsGood(string secret) => _ends.TryGetValue(HashOf(secret), out var end) && end > time.GetUtcNow();

    /// <summary>Somebody logs out.</summary>
    public void End(string secret) => _ends.TryRemove(HashOf(secret), out _);

    /// <summary>A hash of a secret, to be looked up by: nothing can be told from how long that takes.</summary>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
