namespace AstStream.Worker.Setup;

/// <summary>Where messages go on a phone.</summary>
/// <param name="Server">The server; null for ntfy.sh.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Token">An access token; null for none.</param>
internal sealed record NtfyAnswer(string? Server, string Topic, string? Token)
{
    /// <summary>Reads a topic, or the address of one.</summary>
    public static NtfyAnswer Of(string text, string? token) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? new NtfyAnswer(
                address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped), address.AbsolutePath.Trim('/'), token)
            : new NtfyAnswer(null, text, token);
}
