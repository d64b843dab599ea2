using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace AstStream.Worker;

/// <summary>The usual help with examples and exit codes after it.</summary>
internal sealed class Help(HelpAction usual) : SynchronousCommandLineAction
{
    private static readonly Dictionary<Command, string> s_more = [];

    /// <summary>What stands after a command's own help.</summary>
    public static T Add<T>(T command, string more)
        where T : Command
    {
        s_more[command] = more;
        return command;
    }

    /// <summary>What stands after a command's own help; null where nothing does.</summary>
    public static string? More(Command command) => s_more.GetValueOrDefault(command);

    public override int Invoke(ParseResult parseResult)
    {
        var code = usual.Invoke(parseResult);
        if (More(parseResult.CommandResult.Command) is { } more)
            parseResult.InvocationConfiguration.Output.WriteLine(more);
        return code;
    }
}
