using System.CommandLine;

namespace AstStream.Worker.Commands;

/// <summary>The flag that writes a report as a page.</summary>
internal static class HtmlFlag
{
    public static Option<string?> Make() => new("--html")
    {
        Description = "Writes the report as one HTML file with plots, too.",
        HelpName = "FILE"
    };

    /// <summary>Writes the page where one is asked for; says why where that fails.</summary>
    /// <returns>Whether all is well.</returns>
    public static bool Write(string? path, Func<string> page)
    {
        if (path is null)
            return true;
        try
        {
            File.WriteAllText(path, page());
            Errors.Note($"{path}: the report as a page");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Errors.Write($"--html {path}: can't be written: {e.Message}");
            return false;
        }
    }
}
