namespace AstStream.Worker.Commands;

/// <summary>A folder that goes when it is disposed, with all that is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Make();

    private static string Make()
    {
        try
        {
            return Directory.CreateTempSubdirectory("aststream-").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{System.IO.Path.GetTempPath()}: can't be written to: {e.Message} TMPDIR may name another folder", e);
        }
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // What is left of it is the system's to remove.
        }
    }
}
