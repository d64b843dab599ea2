using AstStream.Streaming.Telemetry;
using Spectre.Console;

namespace AstStream.Worker;

/// <summary>
/// What commands show, on standard output and standard error. All of it is escaped here: names and labels come from anywhere.
/// </summary>
internal static class Terminal
{
    /// <summary>A line of an answer, on standard output.</summary>
    public static void Line(string text) => Console.Out.WriteLine(Printable.Text(text));

    /// <summary>An answer of several lines, on standard output.</summary>
    public static void Lines(string text)
    {
        foreach (var line in text.TrimEnd('\n').Split('\n'))
            Line(line);
    }

    /// <summary>A table, on standard output; its cells are made by <see cref="Cell"/>.</summary>
    public static void Table(Table table) => AnsiConsole.Write(table);

    /// <summary>A text as a table's cell.</summary>
    public static string Cell(string text) => Markup.Escape(Printable.Text(text));

    /// <summary>A line besides the answer, on standard error; several where the text has several.</summary>
    public static void Status(string text)
    {
        foreach (var line in text.Split('\n'))
            Console.Error.WriteLine(Printable.Text(line));
    }

    /// <summary>Draws over the line at hand, on standard error.</summary>
    public static void Draw(string text) => Console.Error.Write($"\r{Printable.Text(text)}");
}
