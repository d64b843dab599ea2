namespace AstStream.Worker.Setup;

/// <summary>Asks a person, a line at a time; answers may also come from a file or a pipe.</summary>
internal static class Questions
{
    /// <summary>A text; what is given if nothing is typed.</summary>
    /// <param name="question">What is asked.</param>
    /// <param name="usual">The answer where nothing is typed; null for none.</param>
    /// <param name="wrong">Says what is wrong with an answer; it is asked again then.</param>
    public static string Text(string question, string? usual = null, Func<string, string?>? wrong = null)
    {
        while (true)
        {
            var answer = Terminal.Ask($"{question}{(usual is { Length: > 0 } ? $" [{usual}]" : "")}: ")
                ?? throw new InvalidDataException(
                    $"'{question}' was not answered; aststream init --help shows how to say everything at once");
            if (answer.Length == 0 && usual is not null)
                answer = usual;
            if (answer.Length == 0 && usual is null)
                Terminal.Status("  an answer is needed");
            else if (wrong?.Invoke(answer) is { } problem)
                Terminal.Status($"  {problem}");
            else
                return answer;
        }
    }

    /// <summary>Yes or no.</summary>
    public static bool Confirm(string question, bool usual)
    {
        var answer = Text(
            question, usual ? "yes" : "no", a => a.ToLowerInvariant() is "y" or "yes" or "n" or "no" ? null : "expected yes or no");
        return answer.StartsWith('y') || answer.StartsWith('Y');
    }

    /// <summary>One of several, by its number.</summary>
    /// <returns>Its index.</returns>
    public static int Choose(string question, IReadOnlyList<string> choices, int usual)
    {
        foreach (var (i, choice) in choices.Index())
            Terminal.Status($"  {i + 1,2}  {choice}");
        var answer = Text(
            question, $"{usual + 1}",
            a => int.TryParse(a, out var n) && n >= 1 && n <= choices.Count ? null : $"expected a number from 1 to {choices.Count}");
        return int.Parse(answer, System.Globalization.CultureInfo.InvariantCulture) - 1;
    }
}
