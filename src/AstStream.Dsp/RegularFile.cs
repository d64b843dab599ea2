using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Dsp;

/// <summary>
/// Opens files that are files. Opening a named pipe waits for somebody to write into it, perhaps for ever: here it is refused at once. A
/// path may hold bytes
/// that are no UTF-8 (<see cref="UnixName"/>).
/// </summary>
public static partial class RegularFile
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="IOException">It is not there, can't be opened, or is a pipe or a device.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    public static FileStream Open(string path)
    {
        if (OperatingSystem.IsLinux() && path.Length > 0 && !Directory.Exists(path))
        {
            const int readOnly = 0, nonBlocking = 0x800, closeOnExec = 0x80000;
            var handle = new SafeFileHandle(NativeOpen(UnixName.Bytes(path), readOnly | nonBlocking | closeOnExec), ownsHandle: true);
            if (!handle.IsInvalid)
            {
                var file = new FileStream(handle, FileAccess.Read, bufferSize: 0);
                if (file.CanSeek)
                    return file;
                file.Dispose();
                throw new IOException("is a pipe or a device; expected a file");
            }

            const int tooManyOfMine = 24, tooManyOfAll = 23;
            if (Marshal.GetLastPInvokeError() is tooManyOfMine or tooManyOfAll)
                throw new IOException("too many files are open in this process; raise the limit (ulimit -n, LimitNOFILE)");
        }

        // Elsewhere; and here, to be told why it can't be opened.
        return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int NativeOpen(ReadOnlySpan<byte> path, int flags);
}

/// <summary>
/// File names of Unix, which are bytes, as text: bytes that are no UTF-8 stand as U+DC80 to U+DCFF each (Python's surrogateescape, PEP
/// 383), so that nothing
/// is lost on the way there and back.
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
