using System.Runtime.InteropServices;

namespace AstStream.Streaming.Clocks;

/// <summary>
/// The system's clock whose timestamps go on while the machine sleeps (CLOCK_BOOTTIME), so that a suspension shows as time that passed. On
/// other systems than Linux, the usual monotonic clock.
/// </summary>
public sealed partial class BootClock : TimeProvider
{
    private const int ClockBootTime = 7;

    /// <summary>The clock.</summary>
    public static BootClock Instance { get; } = new();

    /// <inheritdoc/>
    public override long TimestampFrequency => OperatingSystem.IsLinux() ? 1_000_000_000 : base.TimestampFrequency;

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        if (!OperatingSystem.IsLinux())
            return base.GetTimestamp();
        _ = ClockGetTime(ClockBootTime, out var time);
        return (time.Seconds * 1_000_000_000) + time.Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ClockGetTime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
