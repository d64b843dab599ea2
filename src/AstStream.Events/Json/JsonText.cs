using System.Text.Encodings.Web;
using System.Text.Json;

namespace AstStream.Events.Json;

/// <summary>How JSON is written that people may look at: readable in every language, and safe on a terminal.</summary>
public static class JsonText
{
    /// <summary>Escapes what JSON must, and what a terminal must not show as it is (<see cref="TerminalText"/>); nothing else.</summary>
    public static JavaScriptEncoder Encoder { get; } = new TerminalSafe();

    /// <summary>Options for a writer.</summary>
    public static JsonWriterOptions Options { get; } = new() { Encoder = Encoder };

    /// <summary>A text of JSON, in UTF-8.</summary>
    /// <param name="write">Writes it.</param>
    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
            write(json);
        return buffer.ToArray();
    }

    private sealed unsafe class TerminalSafe : JavaScriptEncoder
    {
        private static readonly JavaScriptEncoder s_relaxed = UnsafeRelaxedJsonEscaping;

        public override int MaxOutputCharactersPerInputCharacter => s_relaxed.MaxOutputCharactersPerInputCharacter;

        public override bool WillEncode(int unicodeScalar) => s_relaxed.WillEncode(
            unicodeScalar) || (unicodeScalar <= char.MaxValue && TerminalText.IsUnsafe((char)unicodeScalar));

        public override int FindFirstCharacterToEncode(char* text, int textLength)
        {
            for (var i = 0; i < textLength; i++)
            {
                if (text[i] is >= ' ' and < '\x7F' and not ('"' or '\\'))
                    continue;
                if (char.IsSurrogate(text[i]) || WillEncode(text[i]))
                    return i; // pairs are looked at one by one
            }

            return -1;
        }

        public override bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
        {
            if (s_relaxed.WillEncode(unicodeScalar) || !WillEncode(unicodeScalar))
                return s_relaxed.TryEncodeUnicodeScalar(unicodeScalar, buffer, bufferLength, out numberOfCharactersWritten);
            var escaped = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\\u{unicodeScalar:X4}");
            numberOfCharactersWritten = escaped.Length <= bufferLength ? escaped.Length : 0;
            return escaped.AsSpan().TryCopyTo(new Span<char>(buffer, bufferLength));
        }
    }
}
