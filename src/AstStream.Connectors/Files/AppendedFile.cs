using System.Runtime.InteropServices;
using AstStream.Streaming.Sinks;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Connectors.Files;

/// <summary>
/// A file that lines are appended to, and nothing else: every write goes to its end, wherever that is by then (O_APPEND). It is locked
/// against other processes that write to it in this way. For one thread.
/// </summary>
internal sealed partial class AppendedFile : IDisposable
{
    private const int ReadWrite = 0x2, Create = 0x40, AtEnd = 0x400, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int Mode = 0x1B6; // rw for all, less the umask
    private const int SetLock = 37; // F_OFD_SETLK: of this open file, not of the process
    private const short WriteLock = 1;
    private const int NoSuchFile = 2, Again = 11, AccessDenied = 13;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly UnixFile _identity;

    private AppendedFile(string path, SafeFileHandle handle, UnixFile identity) => (
        _path, _handle, _identity, Length) = (path, handle, identity, identity.Size);

    /// <summary>Its length, as last seen.</summary>
    public long Length { get; private set; }

    /// <summary>Opens a file, or makes it. A line that was cut short is ended.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    /// <exception cref="SinkException">It is no file, or another process writes to it.</exception>
    public static AppendedFile Open(string path)
    {
        var descriptor = OpenNative(path, ReadWrite | Create | AtEnd | NonBlocking | CloseOnExec, Mode);
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (handle.IsInvalid)
            throw Failed(Marshal.GetLastPInvokeError());
        try
        {
            if (UnixFile.Of(handle) is not { } identity)
                throw Failed(Marshal.GetLastPInvokeError());
            if (identity.IsPipe)
                throw new SinkException($"{path}: is a pipe; expected a file");
            var all = new FileLock { Type = WriteLock };
            if (identity.IsRegular && Control(handle, SetLock, ref all) != 0 && Marshal.GetLastPInvokeError() is Again or AccessDenied)
                throw new SinkException($"{path}: another process writes to it; give each its own file");
            var file = new AppendedFile(path, handle, identity);
            var last = new byte[1];
            if (identity.IsRegular && file.Length > 0 && RandomAccess.Read(handle, last, file.Length - 1) == 1 && last[0] != '\n')
                file.Append("\n"u8);
            return file;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Whether its name still leads to it; a tool may have moved or removed it. Looks how long it is, too.</summary>
    public bool IsStillThere()
    {
        if (UnixFile.Of(_path) is not { } there)
            return Marshal.GetLastPInvokeError() != NoSuchFile;
        if (!there.IsSame(_identity))
            return false;
        Length = there.Size; // it may have been cut to nothing
        return true;
    }

    /// <summary>Adds bytes to the end, all or, where that fails and the file can be cut, none.</summary>
    /// <exception cref="IOException">It failed.</exception>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var before = UnixFile.Of(_handle)?.Size ?? Length;
        var rest = bytes;
        while (!rest.IsEmpty)
        {
            var written = Write(_handle, rest, rest.Length);
            if (written >= 0)
            {
                rest = rest[(int)written..];
                continue;
            }

            var error = Marshal.GetLastPInvokeError();
            const int interrupted = 4;
            if (error == interrupted)
                continue;
            if (rest.Length < bytes.Length)
                _ = Truncate(_handle, before); // half a line would spoil the next one
            throw Failed(error);
        }

        Length = before + bytes.Length;
    }

    /// <summary>Waits until the disk has it.</summary>
    public void FlushToDisk() => RandomAccess.FlushToDisk(_handle);

    public void Dispose() => _handle.Dispose();

    private static IOException Failed(int error) => new(Marshal.GetPInvokeErrorMessage(error));

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenNative(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, nint count);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Truncate(SafeFileHandle file, long length);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(SafeFileHandle file, int command, ref FileLock argument);

    /// <summary>struct flock of 64-bit Linux; zeros for the whole file.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }
}
