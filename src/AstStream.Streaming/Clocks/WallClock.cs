using System.Runtime.InteropServices;

namespace AstStream.Streaming.Clocks;

/// <summary>
/// This machine's time of day, held against a clock that nobody sets: where the time of day is set (a box without a battery gets the time
/// from the network after its boot), the step is known, and times that were read before can follow it. Safe for all threads.
/// </summary>
public sealed partial class WallClock : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_followed = TimeSpan.FromMilliseconds(100); // less is the resolution of reading two clocks
    private static readonly TimeSpan s_leastReported = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _wall;
    private readonly TimeProvider _steady;
    private readonly Func<bool> _isSynchronized;
    private readonly Action<TimeSpan>? _onStep;
    private readonly Lock _lock = new();
    private readonly ITimer? _timer;
    private TimeSpan _offset; // from the steady clock to the time of day, as it is followed
    private long _shift; // ticks: what the clock was set by since the start
    private volatile bool _isGood;

    /// <summary>Makes a clock that is looked at every second.</summary>
    /// <param name="wall">The time of day; the system's by default.</param>
    /// <param name="steady">A clock that goes on through suspensions and is never set; the system's by default.</param>
    /// <param name="isSynchronized">Whether the time of day is known to be right; asks the kernel by default.</param>
    /// <param name="onStep">Hears by how much the clock was set, where that is a second or more.</param>
    public WallClock(
        TimeProvider? wall = null, TimeProvider? steady = null, Func<bool>? isSynchronized = null, Action<TimeSpan>? onStep = null)
    {
        (_wall, _steady, _onStep) = (wall ?? TimeProvider.System, steady ?? BootClock.Instance, onStep);
        _isSynchronized = isSynchronized ?? IsKernelSynchronized;
        _offset = Offset();
        _isGood = _isSynchronized();
        _timer = _wall.CreateTimer(_ => Update(), null, s_interval, s_interval);
    }

    /// <summary>What the clock was set by since this was made.</summary>
    internal TimeSpan Shift => TimeSpan.FromTicks(Interlocked.Read(ref _shift));

    /// <summary>Whether the time of day is known to be right.</summary>
    internal bool IsGood => _isGood;

    /// <summary>A mark for times that are read now.</summary>
    public ClockMark Mark()
    {
        Update();
        return new ClockMark(this, Shift);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    /// <summary>Looks whether the clock was set.</summary>
    internal void Update()
    {
        TimeSpan step;
        lock (_lock)
        {
            step = Offset() - _offset;
            _isGood = _isSynchronized();
            if (step.Duration() < s_followed)
                return;
            _offset += step;
            Interlocked.Add(ref _shift, step.Ticks);
        }

        if (step.Duration() >= s_leastReported)
            _onStep?.Invoke(step);
    }

    private TimeSpan Offset() => _wall.GetUtcNow() - DateTimeOffset.UnixEpoch - _steady.GetElapsedTime(0, _steady.GetTimestamp());

    /// <summary>
    /// Whether the kernel's clock is disciplined (adjtimex); on other systems than Linux nobody says, and it is believed.
    /// </summary>
    public static bool IsKernelSynchronized()
    {
        if (!OperatingSystem.IsLinux())
            return true;
        const int unsynchronized = 0x40; // STA_UNSYNC
        var state = default(KernelClock);
        return AdjustTime(ref state) < 0 || (state.Status & unsynchronized) == 0;
    }

    [LibraryImport("libc", EntryPoint = "adjtimex")]
    private static partial int AdjustTime(ref KernelClock state);

    /// <summary>struct timex of 64-bit Linux; with modes 0 it is only read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct KernelClock
    {
        [FieldOffset(0)]
        public uint Modes;

        [FieldOffset(40)]
        public int Status;
    }
}
