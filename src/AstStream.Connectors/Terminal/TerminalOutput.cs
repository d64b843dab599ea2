using System.Text;
using Spectre.Console;

namespace AstStream.Connectors.Terminal;

/// <summary>The terminal of standard output, written in the background: one that is held must not hold up who draws on it.</summary>
internal sealed class TerminalOutput(TextWriter writer) : IAnsiConsoleOutput
{
    private static readonly IAnsiConsoleOutput s_real = AnsiConsole.Profile.Out;

    public TextWriter Writer => writer;

    public bool IsTerminal => s_real.IsTerminal;

    public int Width => s_real.Width;

    public int Height => s_real.Height;

    public void SetEncoding(Encoding encoding)
    {
        // UTF-8, always.
    }
}
