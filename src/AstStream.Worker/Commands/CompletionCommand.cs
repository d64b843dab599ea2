using System.CommandLine;

namespace AstStream.Worker.Commands;

/// <summary>completion: scripts by which a shell completes command lines, asking the program itself.</summary>
internal static class CompletionCommand
{
    // Words that begin with - are offered where one is begun; elsewhere files are, besides commands.
    private static readonly Dictionary<string, string> s_scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _aststream() {
                local word=${COMP_WORDS[COMP_CWORD]} found
                found=$("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
                [[ $word == -* ]] || found=$(grep -v '^-' <<<"$found")
                mapfile -t COMPREPLY < <(compgen -W "$found" -- "$word")
            }
            complete -o bashdefault -o default -F _aststream aststream
            """,
        ["zsh"] = """
            #compdef aststream
            _aststream() {
                local -a found
                found=("${(@f)$("${words[1]}" "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                [[ ${words[CURRENT]} == -* ]] || found=("${(@)found:#-*}")
                compadd -- ${found:#}
                _files
            }
            if [[ ${funcstack[1]} == _aststream ]]; then _aststream; else compdef _aststream aststream; fi
            """,
        ["fish"] = """
            function __aststream_complete
                set -l line (commandline -cp)
                set -l found (aststream "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null)
                string match -q -- '-*' (commandline -ct); and printf '%s\n' $found; or string match -v -- '-*' $found
            end
            complete -c aststream -a '(__aststream_complete)'
            """,
    };

    public static IEnumerable<Command> All()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong([.. s_scripts.Keys]);
        var completion = Help.Add(
            new Command("completion", "Prints a script by which a shell completes commands and options.") { shell }, """
            Examples:
              aststream completion bash > ~/.local/share/bash-completion/completions/aststream
              aststream completion zsh > ~/.zfunc/_aststream     # a folder of fpath
              aststream completion fish > ~/.config/fish/completions/aststream.fish
            """);
        completion.SetAction(result =>
        {
            Terminal.Lines(s_scripts[result.GetValue(shell)!]);
            return ExitCode.Ok;
        });
        yield return completion;
    }
}
