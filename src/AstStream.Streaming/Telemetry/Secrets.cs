using System.Collections.Immutable;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// The values that came into a definition from the environment or from files (${env:NAME}, ${file:PATH}). They belong to the process:
/// whoever shows a text, an error of a library included, hides them.
/// </summary>
public static class Secrets
{
    private const string Mask = "***";
    private const int Shortest = 3; // characters; a shorter one would hide half of every text, and is no secret

    private static ImmutableArray<string> s_values = [];

    /// <summary>Remembers a value that is never to be shown.</summary>
    public static void Add(string value)
    {
        if (value.Length < Shortest)
            return;
        ImmutableInterlocked.Update(
            ref s_values, static (known, v) => known.Contains(v) ? known : [.. known.Add(v).OrderByDescending(k => k.Length)], value);
    }

    /// <summary>The text with every secret in it written as ***.</summary>
    public static string Hide(string text)
    {
        foreach (var value in s_values)
            text = text.Replace(value, Mask, StringComparison.Ordinal);
        return text;
    }
}
