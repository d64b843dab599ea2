namespace AstStream.Streaming.Definitions;

/// <summary>Where a section of a definition stands, and each of its keys: what is found out later is reported there too.</summary>
/// <param name="Path">The section's keys from the root on: sinks.log; empty for the root.</param>
/// <param name="Own">Where the section stands.</param>
/// <param name="Keys">Where its keys' values stand.</param>
internal sealed record SectionPlaces(string Path, Place Own, IReadOnlyDictionary<string, Place> Keys)
{
    /// <summary>A problem with a key's value, or with what holds where the key is not given.</summary>
    public ConfigProblem Problem(Key key, string message) =>
        Keys.GetValueOrDefault(key.Name, Own).Problem($"{(Path.Length == 0 ? "" : Path + ".")}{key.Name}: {message}");

    /// <summary>A problem with the section.</summary>
    public ConfigProblem Problem(string message) => Own.Problem($"{Path}: {message}");

    /// <summary>Whether a key is given.</summary>
    public bool Has(Key key) => Keys.ContainsKey(key.Name);
}
