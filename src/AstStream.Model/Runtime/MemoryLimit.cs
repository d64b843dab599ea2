using System.Globalization;

namespace AstStream.Model.Runtime;

/// <summary>
/// How much memory this process may use: the machine's, or the least that a control group above it allows (cgroup v2 and v1).
/// </summary>
internal static class MemoryLimit
{
    private const string Root = "/sys/fs/cgroup";

    /// <summary>In bytes.</summary>
    public static long Bytes { get; } = Of(
        ReadLines("/proc/self/cgroup"), file => ReadLines(file).FirstOrDefault(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>The least of what the groups of a process allow and what the machine has.</summary>
    /// <param name="groups">The lines of /proc/self/cgroup.</param>
    /// <param name="read">A file's first line; null where it is not there.</param>
    /// <param name="otherwise">What the runtime says, where nothing else is known.</param>
    internal static long Of(IReadOnlyList<string> groups, Func<string, string?> read, long otherwise)
    {
        var total = read("/proc/meminfo")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["MemTotal:", var kilobytes, ..]
            && long.TryParse(kilobytes, NumberStyles.None, CultureInfo.InvariantCulture, out var kb) ? kb * 1024 : otherwise;
        foreach (var line in groups)
        {
            if (line.Split(':', 3) is not [_, var controllers, var path])
                continue;
            var (mount, file) = controllers.Length == 0 ? (Root, "memory.max")
                : controllers.Split(',').Contains("memory") ? ($"{Root}/memory", "memory.limit_in_bytes") : ("", "");
            if (file.Length == 0)
                continue;

            // A container may see its own group as the root, or all groups above it.
            for (var group = path.TrimEnd('/'); ; group = group[..Math.Max(0, group.LastIndexOf('/'))])
            {
                if (long.TryParse(read($"{mount}{group}/{file}"), NumberStyles.None, CultureInfo.InvariantCulture, out var limit))
                    total = Math.Min(total, limit);
                if (group.Length == 0)
                    break;
            }
        }

        return total;
    }

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
