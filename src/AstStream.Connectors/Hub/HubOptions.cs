namespace AstStream.Connectors.Hub;

/// <summary>
/// Where a hub is and how patient to be. The names and defaults of the environment are huggingface_hub's own, and so is the cache.
/// </summary>
public sealed record HubOptions
{
    /// <summary>The hub's address.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>An access token for private and gated models; null for none. It is sent to the endpoint's host alone.</summary>
    public string? Token { get; init; }

    /// <summary>Whether only the cache is used.</summary>
    public bool IsOffline { get; init; }

    /// <summary>The cache that all programs on huggingface_hub share.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>How long a download may stand still, or an answer may take; 30 s by default.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often something that may pass (a cut, a stall, 429, 5xx) is tried again without any progress; 5 by default.</summary>
    public int MaxRetries { get; init; } = 5;

    /// <summary>The first pause before trying again; it doubles each time. 1 s by default.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause, also of one that a server asks for; 60 s by default.</summary>
    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Told why something is tried again, and when.</summary>
    public Action<string>? OnRetry { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The options that the environment asks for: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_CACHE, HF_HOME.</summary>
    /// <exception cref="HubException">HF_ENDPOINT is no address.</exception>
    public static HubOptions FromEnvironment()
    {
        static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        var caches = Variable("XDG_CACHE_HOME")
            ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache");
        var home = Variable("HF_HOME") ?? Path.Combine(caches, "huggingface");
        var endpoint = Variable("HF_ENDPOINT") ?? "https://huggingface.co";
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new HubException($"HF_ENDPOINT: found '{endpoint}'; expected an address such as https://huggingface.co", isUsage: true);
        return new HubOptions
        {
            Endpoint = uri.AbsolutePath.EndsWith('/') ? uri : new Uri(uri.AbsoluteUri + "/"), // mirrors may lie under a path
            Token = CheckToken(Variable("HF_TOKEN")?.Trim() is { Length: > 0 } token ? token : null)
                ?? ReadToken(Variable("HF_TOKEN_PATH") ?? Path.Combine(home, "token")),
            IsOffline = Variable("HF_HUB_OFFLINE")?.ToUpperInvariant() is "1" or "TRUE" or "YES" or "ON",
            CacheFolder = Variable("HF_HUB_CACHE") ?? Path.Combine(home, "hub"),
        };
    }

    /// <summary>Refuses a token that no header can hold, without showing it.</summary>
    private static string? CheckToken(string? token) => token is null || token.All(c => c is > ' ' and <= '~')
        ? token
        : throw new HubException("HF_TOKEN: holds spaces, control characters or other than ASCII; expected the token alone", isUsage: true);

    private static string? ReadToken(string path)
    {
        try
        {
            return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } token ? CheckToken(token) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
