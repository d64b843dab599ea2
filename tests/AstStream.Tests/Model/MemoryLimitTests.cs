using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

public class MemoryLimitTests
{
    private const long Gib = 1L << 30;

    private static readonly Dictionary<string, string> s_machine = new() { ["/proc/meminfo"] = $"MemTotal:       {16 * Gib / 1024} kB" };

    [Fact]
    public void Of_NoGroups_IsTheMachines() => Assert.Equal(16 * Gib, Of(["0::/"], []));

    [Fact]
    public void Of_Version2_IsTheLeastOfAllAbove()
    {
        Assert.Equal(
            2 * Gib, Of(["0::/a/b"], new() { ["/sys/fs/cgroup/a/b/memory.max"] = "max", ["/sys/fs/cgroup/a/memory.max"] = $"{2 * Gib}" }));
        Assert.Equal(1 * Gib, Of(
            ["0::/a/b"], new() { ["/sys/fs/cgroup/a/b/memory.max"] = $"{Gib}", ["/sys/fs/cgroup/a/memory.max"] = $"{2 * Gib}" }));
        Assert.Equal(3 * Gib, Of(["0::/"], new() { ["/sys/fs/cgroup/memory.max"] = $"{3 * Gib}" }));
    }

    [Fact]
    public void Of_Version1_IsThatOfTheMemoryController() => Assert.Equal(
        2 * Gib, Of(["3:cpu:/x", "4:memory,hugetlb:/docker/1", "0::/"], new()
        {
            ["/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes"] = $"{2 * Gib}",
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712",
        }));

    [Fact]
    public void Of_NothingKnown_IsWhatTheRuntimeSays() => Assert.Equal(5, MemoryLimit.Of([], _ => null, 5));

    private static long Of(string[] groups, Dictionary<string, string> files) =>
        MemoryLimit.Of(groups, file => files.GetValueOrDefault(file) ?? s_machine.GetValueOrDefault(file), 1);
}
