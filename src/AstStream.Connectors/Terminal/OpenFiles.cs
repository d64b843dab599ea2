using System.Runtime.InteropServices;
using System.Text;

namespace AstStream.Connectors.Terminal;

/// <summary>How many files, pipes and sockets the process may hold open at once.</summary>
public static partial class OpenFiles
{
    /// <summary>What the program itself takes, before any source: its libraries, its model, its outputs.</summary>
    public const int Least = 160;

    /// <summary>What a source may take while it starts: a child's pipes, its own sockets.</summary>
    public const int PerSource = 4;

    private const int Files = 7; // RLIMIT_NOFILE

    /// <summary>What may be open, after the soft limit was raised to the hard one.</summary>
    public static long Limit { get; } = RaiseLimit();

    /// <summary>
    /// Whether the program itself can run. Where it can't, that is said without anything that would have to be opened first. To be called
    /// before anything else is opened.
    /// </summary>
    public static bool AreEnough()
    {
        if (Limit >= Least)
            return true;
        _ = NativeOutput.Write(2, Encoding.ASCII.GetBytes($"error: at most {Limit} files may be open at once (ulimit -n); expected at "
            + $"least {Least}, and {PerSource} more for each source\n"));
        return false;
    }

    private static long RaiseLimit()
    {
        if (!OperatingSystem.IsLinux() || GetLimit(Files, out var limit) != 0)
            return long.MaxValue;
        var wanted = limit with { Soft = limit.Hard };
        return limit.Soft < limit.Hard && SetLimit(Files, ref wanted) == 0 ? Clamped(limit.Hard) : Clamped(limit.Soft);
    }

    private static long Clamped(ulong limit) => (long)Math.Min(limit, long.MaxValue);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Bounds limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, ref Bounds limit);

    [StructLayout(LayoutKind.Sequential)]
    private record struct Bounds(ulong Soft, ulong Hard);
}
