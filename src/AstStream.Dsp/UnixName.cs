using System.Text;

namespace AstStream.Dsp;

/// <summary>
/// File names of Unix, which are bytes, as text: bytes that are no UTF-8 stand as U+DC80 to U+DCFF each (Python's surrogateescape, PEP
/// 383), so that nothing is lost on the way there and back.
/// </summary>
public static class UnixName
{
    private const char First = '\uDC80';

    /// <summary>A name as text.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
                bytes = bytes[length..];
            }
            else
            {
                text.Append((char)(First - 0x80 + bytes[0]));
                bytes = bytes[1..];
            }
        }

        return text.ToString();
    }

    /// <summary>The bytes of a name, with a 0 at their end.</summary>
    public static byte[] Bytes(string text)
    {
        var bytes = new List<byte>(text.Length + 1);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < text.Length;)
        {
            if (IsEscaped(text[i]) && (i == 0 || !char.IsHighSurrogate(text[i - 1])))
            {
                bytes.Add((byte)(text[i++] - First + 0x80));
                continue;
            }

            if (Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length) != System.Buffers.OperationStatus.Done)
                rune = Rune.ReplacementChar;
            bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
            i += length;
        }

        bytes.Add(0);
        return [.. bytes];
    }

    /// <summary>Whether a name holds bytes that are no UTF-8.</summary>
    public static bool HasEscapes(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (IsEscaped(text[i]) && (i == 0 || !char.IsHighSurrogate(text[i - 1])))
                return true;
        }

        return false;
    }

    private static bool IsEscaped(char c) => c is >= First and <= '\uDCFF';
}
