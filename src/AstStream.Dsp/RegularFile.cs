using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Dsp;

/// <summary>
/// Opens files that are files. Opening a named pipe waits for somebody to write into it, perhaps for ever: here it is refused at once. A
/// path may hold bytes that are no UTF-8 (<see cref="UnixName"/>).
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
