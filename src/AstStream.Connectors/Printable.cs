using System.Globalization;

namespace AstStream.Connectors;

/// <summary>Text from outside, as a terminal may show it: a file's name must not move the cursor or change colours.</summary>
public static class Printable
{
    /// <summary>The text with its control characters written as \xNN.</summary>
    public static string Text(string text) =>
        text.Any(char.IsControl)
            ? string.Concat(text.Select(c => char.IsControl(c) ? string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:X2}") : c.ToString()))
            : text;
}
