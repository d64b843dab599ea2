using System.CommandLine;
using System.Globalization;
using System.Text;

namespace AstStream.Worker.Commands;

/// <summary>man: the manual pages of all commands, made of what their help says; one for each command of the first level.</summary>
internal static class ManPages
{
    private const string Exits = "Exit codes:";

    public static IEnumerable<Command> All(RootCommand root)
    {
        var folder = new Argument<string>("FOLDER") { Description = "Where to put the pages." };
        var man = new Command("man", "Writes manual pages of all commands.") { folder };
        man.Hidden = true; // for those who make packages
        man.SetAction(result =>
        {
            if (result.GetValue(folder) is not { Length: > 0 })
                throw new IOException("expected a folder");
            var into = Directory.CreateDirectory(result.GetValue(folder)!).FullName;
            File.WriteAllText(Path.Combine(into, "aststream.1"), Page("aststream", root, Commands(root)));
            foreach (var command in root.Subcommands.Where(c => !c.Hidden))
            {
                var name = $"aststream-{command.Name}";
                File.WriteAllText(Path.Combine(into, $"{name}.1"), Page(name, command, Parts(command, name.Replace('-', ' '))));
            }

            return ExitCode.Ok;
        });
        yield return man;
    }

    private static string Page(string name, Command command, string more)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $".TH {name.ToUpperInvariant()} 1 \"\" \"AstStream {Version}\" \"AstStream\"\n");
        text.Append(CultureInfo.InvariantCulture, $".SH NAME\n{Escaped(name)} \\- {Escaped(command.Description!)}\n");
        text.Append(CultureInfo.InvariantCulture, $".SH SYNOPSIS\n{Synopsis(name.Replace('-', ' '), command)}\n");
        text.Append(".SH DESCRIPTION\n").Append(Escaped(command.Description!)).Append('\n');
        var (about, examples, exits) = Help.More(command) is { } help ? Sections(help) : ([], [], []);
        text.Append(Paragraphs(about));
        if (command.Arguments.Any(a => !a.Hidden) || command.Options.Any(o => !o.Hidden))
            text.Append(".SH OPTIONS\n").Append(Options(command));
        text.Append(more);
        if (examples.Count > 0)
            text.Append(".SH EXAMPLES\n").Append(Paragraphs(examples));
        if (exits.Count > 0)
            text.Append(".SH EXIT STATUS\n").Append(Paragraphs(exits));
        return text.ToString();
    }

    private static string Version { get; } = typeof(ManPages).Assembly.GetName().Version!.ToString(3);

    /// <summary>The commands of the first level, with their pages.</summary>
    private static string Commands(RootCommand root) => ".SH COMMANDS\n" + string.Concat(root.Subcommands.Where(c => !c.Hidden).Select(
        c => $".TP\n.BR aststream\\-{Escaped(c.Name)} (1)\n{Escaped(c.Description!)}\n"));

    /// <summary>What a command is made of, each with its own synopsis, options and examples.</summary>
    private static string Parts(Command command, string path)
    {
        var text = new StringBuilder();
        foreach (var part in command.Subcommands.Where(c => !c.Hidden))
        {
            var own = $"{path} {part.Name}";
            text.Append(CultureInfo.InvariantCulture, $".SH {Escaped(part.Name.ToUpperInvariant())}\n{Synopsis(own, part)}\n.PP\n");
            text.Append(Escaped(part.Description!)).Append('\n');
            var (about, examples, _) = Help.More(part) is { } help ? Sections(help) : ([], [], []);
            text.Append(Paragraphs(about)).Append(Options(part)).Append(Paragraphs(examples)).Append(Parts(part, own));
        }

        return text.ToString();
    }

    private static string Synopsis(string path, Command command)
    {
        var text = new StringBuilder($".B {Escaped(path)}\n");
        foreach (var argument in command.Arguments.Where(a => !a.Hidden))
        {
            var (before, after) = argument.Arity.MinimumNumberOfValues == 0 ? ("[", "]") : ("", "");
            var more = argument.Arity.MaximumNumberOfValues > 1 ? "..." : "";
            text.Append(CultureInfo.InvariantCulture, $"{before}\\fI{Escaped(argument.HelpName ?? argument.Name)}\\fR{more}{after}\n");
        }

        if (command.Subcommands.Any(c => !c.Hidden))
            text.Append("\\fICOMMAND\\fR\n");
        return text.Append("[\\fIoptions\\fR]").ToString();
    }

    private static string Options(Command command)
    {
        var text = new StringBuilder();
        foreach (var argument in command.Arguments.Where(a => !a.Hidden))
            text.Append(CultureInfo.InvariantCulture, $".TP\n.I {Escaped(argument.HelpName ?? argument.Name)}\n{Described(argument)}");
        foreach (var option in command.Options.Where(o => !o.Hidden && !o.Recursive))
        {
            var value = option.ValueType == typeof(bool) ? "" : $" \\fI{Escaped(option.HelpName ?? "VALUE")}\\fR";
            text.Append(CultureInfo.InvariantCulture, $".TP\n\\fB{Escaped(option.Name)}\\fR{value}\n{Described(option)}");
        }

        return text.ToString();
    }

    private static string Described(Symbol symbol) => Escaped(symbol.Description ?? "") + "\n";

    /// <summary>The lines of a help's text: what it says, its examples, its exit codes.</summary>
    private static (List<string> About, List<string> Examples, List<string> Exits) Sections(string help)
    {
        List<string> about = [], examples = [], exits = [], into = about;
        foreach (var line in help.Split('\n'))
        {
            if (line.StartsWith("Example", StringComparison.Ordinal) && line.EndsWith(':'))
                into = examples;
            else if (line.StartsWith(Exits, StringComparison.Ordinal))
                (into = exits).Add(line[Exits.Length..].Trim());
            else
                into.Add(line);
        }

        return (about, examples, exits);
    }

    /// <summary>Lines as paragraphs; those that are indented stay as they are.</summary>
    private static string Paragraphs(List<string> lines)
    {
        var text = new StringBuilder();
        var (isFigure, isNew) = (false, true);
        foreach (var line in lines)
        {
            var indented = line.StartsWith(' ');
            if (indented != isFigure)
                text.Append(indented ? ".PP\n.EX\n" : ".EE\n");
            if (!indented && line.Length > 0 && (isNew || isFigure))
                text.Append(".PP\n");
            (isFigure, isNew) = (indented, line.Length == 0);
            if (line.Length > 0)
                text.Append(Escaped(line)).Append('\n');
        }

        return text.Append(isFigure ? ".EE\n" : "").ToString();
    }

    /// <summary>A text as troff takes it: no escape, no request at a line's start, hyphens that can be copied.</summary>
    private static string Escaped(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal)
            .Replace("~", "\\(ti", StringComparison.Ordinal).Replace("^", "\\(ha", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? "\\&" + escaped : escaped;
    }
}
