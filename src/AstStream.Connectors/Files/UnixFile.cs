using System.Runtime.InteropServices;
using AstStream.Dsp;
using Microsoft.Win32.SafeHandles;

namespace AstStream.Connectors.Files;

/// <summary>What a file is, whatever its name: its place on a disk, its kind and size (statx).</summary>
/// <param name="Device">The disk.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Mode">Kind and rights.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Written">When it was written last.</param>
internal readonly partial record struct UnixFile(
    (uint Major, uint Minor) Device, ulong Inode, ushort Mode, long Size, DateTime Written)
{
    private const int KindMask = 0xF000, Regular = 0x8000, Pipe = 0x1000;
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
    private const uint Basic = 0x7FF;

    /// <summary>Whether it is an ordinary file.</summary>
    public bool IsRegular => (Mode & KindMask) == Regular;

    /// <summary>Whether it is a named pipe.</summary>
    public bool IsPipe => (Mode & KindMask) == Pipe;

    /// <summary>What lies at a path, links followed; null where it can't be looked at (the last P/Invoke error says why).</summary>
    public static UnixFile? Of(string path) => Of(CurrentFolder, path, 0);

    /// <summary>What an open file is.</summary>
    public static UnixFile? Of(SafeFileHandle handle)
    {
        var isHeld = false;
        try
        {
            handle.DangerousAddRef(ref isHeld);
            return Of((int)handle.DangerousGetHandle(), "", EmptyPath);
        }
        finally
        {
            if (isHeld)
                handle.DangerousRelease();
        }
    }

    /// <summary>Whether both are the same file.</summary>
    public bool IsSame(UnixFile other) => Device == other.Device && Inode == other.Inode;

    private static UnixFile? Of(int folder, string path, int flags)
    {
        var buffer = default(StatX);
        return StatFile(folder, UnixName.Bytes(path), flags, Basic, ref buffer) == 0 ? new UnixFile(
            (buffer.DeviceMajor, buffer.DeviceMinor), buffer.Inode, buffer.Mode, (long)buffer.Size,
            DateTime.UnixEpoch.AddSeconds(Math.Clamp(buffer.Written, -1e9, 1e11))) : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int StatFile(int folder, ReadOnlySpan<byte> path, int flags, uint mask, ref StatX buffer);

    /// <summary>struct statx, the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatX
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public ulong Size;

        [FieldOffset(112)]
        public long Written; // seconds since 1970

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;
    }
}
