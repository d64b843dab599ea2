using System.Globalization;
using System.Text;
using AstStream.Events.Json;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// Text from outside, as a terminal or a log may show it: a file's name or a model's label must not move the cursor, change colours, forge
/// a line or turn the direction of the text around; and no secret of the pipeline definition is in it. Everything that is shown goes
/// through here.
/// </summary>
public static class Printable
{
    /// <summary>The text with control and format characters written as \xNN or \uNNNN, line breaks included, and secrets as ***.</summary>
    public static string Text(string text)
    {
        text = Secrets.Hide(text);
        return text.Any(TerminalText.IsUnsafe) ? Escaped(text) : text;
    }

    private static string Escaped(string text)
    {
        var shown = new StringBuilder(text.Length + 16);
        foreach (var c in text)
        {
            if (!TerminalText.IsUnsafe(c))
                shown.Append(c);
            else if (c <= 0xFF)
                shown.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:X2}");
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
        }

        return shown.ToString();
    }
}
