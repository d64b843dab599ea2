using System.Runtime.InteropServices;

namespace AstStream.Connectors.Terminal;

/// <summary>
/// A standard stream of the process, written without .NET's console, whose stream hides a closed pipe and throws on a full disk.
/// </summary>
internal static partial class NativeOutput
{
    /// <summary>EPIPE: nobody reads it any more.</summary>
    public const int BrokenPipe = 32;

    /// <summary>EBADF: it is closed, or is not a stream to write to.</summary>
    public const int NotOpen = 9;

    private const int Interrupted = 4; // EINTR
    private const int WouldBlock = 11; // EAGAIN
    private const int GetFlags = 3; // F_GETFL
    private const int AccessMode = 3; // O_ACCMODE
    private const int ReadWrite = 2; // O_RDWR
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int IsListening = 30; // SO_ACCEPTCONN
    private const int WritableSoon = 4; // POLLOUT

    /// <summary>
    /// Occupies the standard streams that are closed, so that no file or socket of this process becomes one of them, and says which streams
    /// can be written to. To be called before anything else is opened.
    /// </summary>
    public static bool[] Prepare()
    {
        var usable = new bool[3];
        for (var fd = 0; fd < usable.Length; fd++)
        {
            if (Control(fd, GetFlags, 0) >= 0)
                usable[fd] = IsOurs(fd);
            else
                _ = Open("/dev/null", ReadWrite); // takes the lowest number that is free
        }

        return usable;
    }

    /// <summary>Writes all of it; 0, or the number of the error.</summary>
    public static int Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var written = WriteSome(fd, bytes, bytes.Length);
            if (written >= 0)
            {
                bytes = bytes[(int)written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == WouldBlock)
            {
                var wait = new PollEntry { Fd = fd, Events = WritableSoon };
                _ = Poll(ref wait, 1, 1000);
            }
            else if (error != Interrupted)
            {
                return error;
            }
        }

        return 0;
    }

    /// <summary>The system's words for an error.</summary>
    public static string Describe(int error) => Marshal.GetPInvokeErrorMessage(error);

    /// <summary>
    /// Whether a stream was given by whoever started the process: the runtime opens files of its own early, and takes a number that is
    /// free.
    /// </summary>
    private static bool IsOurs(int fd)
    {
        if (fd > 0 && (Control(fd, GetFlags, 0) & AccessMode) == 0)
            return false; // read only
        var target = File.ResolveLinkTarget($"/proc/self/fd/{fd}", returnFinalTarget: false)?.FullName ?? "";
        if (target.Contains("anon_inode:", StringComparison.Ordinal) || target.Contains("/memfd:", StringComparison.Ordinal))
            return false;
        int listens = 0, size = sizeof(int);
        return GetOption(fd, SocketLevel, IsListening, ref listens, ref size) != 0 || listens == 0;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteSome(int fd, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int fd, int command, long argument);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int GetOption(int fd, int level, int name, ref int value, ref int size);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Fd;
        public short Events;
        public short Happened;
    }
}
