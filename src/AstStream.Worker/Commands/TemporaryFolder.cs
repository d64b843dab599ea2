namespace AstStream.Worker.Commands;

/// <summary>A folder that goes when it is disposed, with all that is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("aststream-").FullName;

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
