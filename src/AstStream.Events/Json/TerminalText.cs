using System.Globalization;

namespace AstStream.Events.Json;

/// <summary>What a terminal must not be given as it is.</summary>
public static class TerminalText
{
    /// <summary>
    /// Whether a character must not be shown as it is: controls, line and paragraph separators, direction marks and overrides, lone
    /// surrogates.
    /// </summary>
    public static bool IsUnsafe(char c) => CharUnicodeInfo.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.Format => c != '\u200D', // the joiner that emoji are made with changes nothing else
        UnicodeCategory.Surrogate => false, // looked at in pairs
        _ => false,
    };
}
