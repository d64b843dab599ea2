using System.Text.RegularExpressions;

namespace AstStream.Connectors.Hub;

/// <summary>A model on a Hugging Face hub: hf://OWNER/NAME, with @REVISION after it for another one than main.</summary>
/// <param name="Owner">The owner.</param>
/// <param name="Name">The model's name.</param>
/// <param name="Revision">A branch, tag or commit.</param>
public sealed partial record HubReference(string Owner, string Name, string Revision)
{
    /// <summary>What a hub's reference begins with.</summary>
    public const string Scheme = "hf://";

    /// <summary>Whether a text is meant as a reference.</summary>
    public static bool IsMeant(string text) => text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <summary>What to try instead of a folder that is not there: an address on the hub, or its OWNER/NAME.</summary>
    public static string Hint(string text)
    {
        const string site = "https://huggingface.co/";
        var path = text.StartsWith(site, StringComparison.OrdinalIgnoreCase) ? text[site.Length..].TrimEnd('/') : text;
        return Pattern().IsMatch(Scheme + path) ? $"; for a model on the hub: {Scheme}{path}" : "";
    }

    /// <summary>Reads a reference.</summary>
    /// <exception cref="HubException">It is none.</exception>
    public static HubReference Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success || text.Contains("..", StringComparison.Ordinal))
            throw new HubException($"{text}: expected {Scheme}OWNER/NAME or {Scheme}OWNER/NAME@REVISION", isUsage: true);
        return new HubReference(
            match.Groups["owner"].Value, match.Groups["name"].Value,
            match.Groups["revision"] is { Success: true } revision ? revision.Value : "main");
    }

    /// <summary>The reference as it is written.</summary>
    public override string ToString() => $"{Scheme}{Owner}/{Name}{(Revision == "main" ? "" : $"@{Revision}")}";

    [GeneratedRegex(
        @"\A(?i:hf)://(?<owner>[A-Za-z0-9][A-Za-z0-9._-]{0,95})/(?<name>[A-Za-z0-9][A-Za-z0-9._-]{0,95})"
            + @"(@(?<revision>[A-Za-z0-9][A-Za-z0-9._/-]{0,199}))?\z")]
    private static partial Regex Pattern();
}
