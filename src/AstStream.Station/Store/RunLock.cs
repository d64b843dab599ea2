using AstStream.Streaming.Sinks;

namespace AstStream.Station.Store;

/// <summary>A file that one run holds, for what it alone may write to. The system lets go of it however the run ends.</summary>
internal static class RunLock
{
    /// <summary>Takes it; file and folder are made where they are missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it stands for, as messages name it.</param>
    /// <param name="expected">What was expected of that.</param>
    /// <exception cref="SinkException">It can't be written to, or another run has it.</exception>
    public static FileStream Take(string path, string what, string expected)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SinkException($"{what}: can't be had by this run: {e.Message}; expected {expected}");
        }
    }
}
