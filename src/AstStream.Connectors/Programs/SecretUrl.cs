using System.Text.RegularExpressions;

namespace AstStream.Connectors.Programs;

/// <summary>
/// A URL whose user, password and query are nobody's business: what may be shown of it, and texts of others with them taken out.
/// </summary>
internal sealed partial class SecretUrl
{
    private const string Mask = "***";

    private static readonly string[] s_own = ["tcp://", "udp://", "tls://", "rtp://"];

    private readonly List<string> _secrets = [];

    /// <summary>Takes a URL, or a path, which has no secrets.</summary>
    public SecretUrl(string url)
    {
        Value = url;
        var match = Parts().Match(url);
        if (!match.Success)
        {
            Shown = OtherQuery().Replace(OtherUser().Replace(url, $"$1{Mask}@"), Masked);
            return;
        }

        // Up to the last @, wherever it stands: a password that should have been escaped is a password all the same.
        var user = match.Groups["user"].Value;
        var query = match.Groups["query"].Value;
        Shown = match.Groups["scheme"].Value + (user.Length > 0 ? Mask + "@" : "") + match.Groups["rest"].Value + (
            query.Length > 0 ? "?" + Mask : "");
        Add(user.TrimEnd('@'));
        Add(user.TrimEnd('@').Split(':', 2).ElementAtOrDefault(1));
        Add(query.TrimStart('?'));
        foreach (var pair in query.TrimStart('?').Split('&'))
            Add(pair.Split('=', 2).ElementAtOrDefault(1));
        _secrets.Sort((a, b) => b.Length - a.Length);
    }

    /// <summary>Whether there is anything in it that is nobody's business.</summary>
    public bool HasSecrets => _secrets.Count > 0;

    /// <summary>The URL as it is.</summary>
    public string Value { get; }

    /// <summary>What may be shown.</summary>
    public string Shown { get; }

    /// <summary>Whether it is a URL at all, and no path.</summary>
    public static bool IsUrl(string text) => Parts().IsMatch(text);

    /// <summary>A text of another program without the secrets, nor those of other URLs that it names.</summary>
    public string Clean(string text)
    {
        text = text.Replace(Value, Shown, StringComparison.Ordinal);
        foreach (var secret in _secrets)
            text = text.Replace(secret, Mask, StringComparison.Ordinal);
        text = OtherUser().Replace(text, $"$1{Mask}@");
        return OtherQuery().Replace(text, Masked);
    }

    /// <summary>What ffmpeg adds itself to the addresses of its own connections is left out; any other query may be a secret.</summary>
    private static string Masked(Match match) => s_own.Any(
        o => match.Value.StartsWith(o, StringComparison.OrdinalIgnoreCase)) ? match.Groups[1].Value : $"{match.Groups[1].Value}?{Mask}";

    private void Add(string? secret)
    {
        if (string.IsNullOrEmpty(secret))
            return;
        _secrets.Add(secret);
        if (Uri.UnescapeDataString(secret) is { } plain && plain != secret)
            _secrets.Add(plain);
    }

    [GeneratedRegex(@"\A(?<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?<user>.*@)?(?<rest>[^?]*)(?<query>\?.*)?\z", RegexOptions.Singleline)]
    private static partial Regex Parts();

    [GeneratedRegex(@"([A-Za-z][A-Za-z0-9+.-]*:/+)[^\s'""/@]*@")]
    private static partial Regex OtherUser();

    [GeneratedRegex(@"([A-Za-z][A-Za-z0-9+.-]*://[^\s'""?]*)\?[^\s'"":]+")]
    private static partial Regex OtherQuery();
}
