namespace AstStream.Connectors.Programs;

/// <summary>Programs of the system, by their full paths.</summary>
public static class ProgramFile
{
    /// <summary>
    /// Finds a program in the folders of PATH; null where it is in none. A name alone is not to be started: it would be looked for in the
    /// current folder first.
    /// </summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
