using AstStream.Streaming.Telemetry;
using Spectre.Console;

namespace AstStream.Worker;

/// <summary>
/// What commands show, on standard output and standard error. All of it is escaped here: names and labels come from anywhere.
/// </summary>
internal static class Terminal
{
    private const int WideEnough = 1000; // columns

    /// <summary>A line of an answer, on standard output.</summary>
    public static void Line(string text) => Console.Out.WriteLine(Printable.Text(text));

    /// <summary>An answer of several lines, on standard output.</summary>
    public static void Lines(string text)
    {
        foreach (var line in text.TrimEnd('\n').Split('\n'))
            Line(line);
    }

    /// <summary>A table, on standard output; its cells are made by <see cref="Cell"/>.</summary>
    public static void Table(Table table)
    {
        if (Console.IsOutputRedirected)
            AnsiConsole.Profile.Width = WideEnough; // no line is broken for programs that read it
        AnsiConsole.Write(table);
    }

    /// <summary>A text as a table's cell.</summary>
    public static string Cell(string text) => Markup.Escape(Printable.Text(text));

    /// <summary>A line besides the answer, on standard error; several where the text has several.</summary>
    public static void Status(string text)
    {
        foreach (var line in text.Split('\n'))
            Console.Error.WriteLine(Printable.Text(line));
    }

    /// <summary>Asks for a line, on standard error; null where nobody answers any more.</summary>
    public static string? Ask(string question)
    {
        Console.Error.Write(Printable.Text(question));
        var answer = Console.In.ReadLine();
        if (answer is null || Console.IsInputRedirected)
            Console.Error.WriteLine();
        return answer?.Trim();
    }

    /// <summary>Asks for a line that is not shown while it is typed, on standard error.</summary>
    public static string Secret(string question)
    {
        Console.Error.Write(question);
        var text = "";
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace)
                text = text.Length > 0 ? text[..^1] : "";
            else if (!char.IsControl(key.KeyChar))
                text += key.KeyChar;
        }

        Console.Error.WriteLine();
        return text;
    }

    /// <summary>Draws over the line at hand, on standard error.</summary>
    public static void Draw(string text) => Console.Error.Write($"\r{Printable.Text(text)}");
}
