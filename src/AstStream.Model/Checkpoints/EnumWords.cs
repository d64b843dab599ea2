namespace AstStream.Model.Checkpoints;

/// <summary>
/// How the values of enumerations are written in pipelines, on the command line and in messages: their names in lower case.
/// </summary>
public static class EnumWords
{
    /// <summary>The word of a value.</summary>
    public static string Word<T>(this T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>All words of an enumeration.</summary>
    public static string[] All<T>()
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(Word)];

    /// <summary>The value of a word.</summary>
    public static T Parse<T>(string word)
        where T : struct, Enum => Enum.Parse<T>(word, ignoreCase: true);
}
