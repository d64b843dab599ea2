using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace AstStream.Station.Web;

/// <summary>Who has logged in. What a browser keeps is only known here by its hash. Safe for many threads.</summary>
internal sealed class Sessions(TimeProvider time) : IDisposable
{
    private const int Most = 1000;

    private static readonly TimeSpan s_life = TimeSpan.FromDays(30);

    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal); // by hash

    /// <summary>Somebody has logged in: what the browser is to keep.</summary>
    public string Begin()
    {
        while (_sessions.Count >= Most)
            EndBy(_sessions.MinBy(s => s.Value.Began).Key);
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        _sessions[HashOf(secret)] = new Session(time.GetTimestamp(), new CancellationTokenSource(s_life, time));
        return secret;
    }

    /// <summary>Whether a browser's secret is one of a session that goes on.</summary>
    public bool IsGood(string secret) => !EndOf(secret).IsCancellationRequested;

    /// <summary>Is cancelled when the session of a secret ends: by a logout, or with its time.</summary>
    public CancellationToken EndOf(string secret) =>
        _sessions.TryGetValue(HashOf(secret), out var session) ? session.End.Token : new CancellationToken(canceled: true);

    /// <summary>Somebody logs out: what was asked for in the session ends, too.</summary>
    public void End(string secret) => EndBy(HashOf(secret));

    /// <summary>A hash of a secret, to be looked up by: nothing can be told from how long that takes.</summary>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var hash in _sessions.Keys)
            EndBy(hash);
    }

    private void EndBy(string hash)
    {
        if (_sessions.TryRemove(hash, out var session))
            session.End.Cancel(); // and no Dispose: who follows it may still ask for its token; the cancelled timer is gone
    }

    private sealed record Session(long Began, CancellationTokenSource End);
}
