namespace AstStream.Model.Checkpoints;

/// <summary>What .NET throws when a disk can't take a file.</summary>
internal static class DiskError
{
    /// <summary>
    /// Whether an exception says that: no space, no right, or a file larger than the file system or a limit allows (which .NET calls an
    /// argument out of range).
    /// </summary>
    public static bool Is(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException { ParamName: "value" };
}
