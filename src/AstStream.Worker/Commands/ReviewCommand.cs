using System.CommandLine;
using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker.Commands;

/// <summary>review: a person's word on an event of a store.</summary>
internal static class ReviewCommand
{
    private const int LongestText = 200;

    private static readonly Dictionary<string, ReviewVerdict> s_verdicts = ((ReviewVerdict[])
        [ReviewVerdict.Right, ReviewVerdict.Wrong, ReviewVerdict.Withdrawn]).ToDictionary(v => v.SnakeCase(), StringComparer.Ordinal);

    public static Command Make()
    {
        var id = new Argument<string>("ID") { Description = "The event's id, or the beginning of it that aststream events shows." };
        var verdict = new Argument<string?>("VERDICT")
        {
            Description = "right, wrong, or withdrawn, which takes back the last review.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        verdict.CompletionSources.Add([.. s_verdicts.Keys]);
        var label = new Option<string?>("--label") { Description = "What it is instead.", HelpName = "LABEL" };
        var store = StoreCommands.StoreOption();
        var by = new Option<string>("--by")
        {
            Description = "Who says so; the user who is logged in, unless given.",
            HelpName = "NAME",
            DefaultValueFactory = _ => Environment.UserName,
        };
        var command = Help.Add(
            new Command("review", "Says of an event of a store whether it is right.") { id, verdict, label, store, by }, $"""
            Reviews are kept, and never changed: the last one of an event holds. Reviewed events stay when others of their age go.

            Examples:
              aststream review 30764501 right
              aststream review 30764501 --label Fireworks --store yard.db --by ann
              aststream events --verdict right --verdict other_label --raven > truth.txt

            {ExitCode.Help}
            """);
        command.Validators.Add(r =>
        {
            if ((r.GetResult(label) is null) == (r.GetValue(verdict) is null)
                || (r.GetValue(verdict) is { } word && !s_verdicts.ContainsKey(word)))
                r.AddError("expected right, wrong, withdrawn, or --label LABEL");
            foreach (var (name, text) in ((string, string?)[])[("--label", r.GetValue(label)), ("--by", r.GetValue(by))])
            {
                if (text is not null && (string.IsNullOrWhiteSpace(text) || text.Length > LongestText))
                    r.AddError($"{name}: expected 1 to {LongestText} characters");
            }
        });
        command.SetAction(result => StoreCommands.Guarded(() =>
        {
            var (path, other) = (result.GetValue(store)!, result.GetValue(label));
            var found = Find(path, result.GetValue(id)!, other);
            var verdictOf = other is not null ? ReviewVerdict.OtherLabel : s_verdicts[result.GetValue(verdict)!];
            StoreCare.Add(path, new Review(found.Id, verdictOf, other, result.GetValue(by)!, TimeProvider.System.GetUtcNow()));
            Terminal.Line($"{found.Label} in {found.Stream.Id}: {other ?? verdictOf.SnakeCase()}");
            return ExitCode.Ok;
        }));
        return command;
    }

    /// <summary>The event whose id begins so.</summary>
    private static SoundEvent Find(string path, string beginning, string? other)
    {
        using var reader = StoreReader.Open(path);
        var ids = reader.Ids(beginning.All(char.IsAsciiHexDigit) ? beginning.ToLowerInvariant() : beginning, most: 2);
        if (ids.Count != 1)
            throw new StoreException(ids.Count == 0
                ? $"{path}: has no event whose id begins with '{beginning}'; aststream events shows them"
                : $"{path}: several events' ids begin with '{beginning}'; expected more of it");
        var found = reader.Events(new EventQuery { Id = ids[0] }).First().Event;
        if (other == found.Label)
            throw new StoreException($"the event's label is '{other}' already; expected right, wrong, or another label");
        if (other is not null && reader.Labels() is var known && !known.Contains(other))
            Errors.Note($"no event of the store has the label '{other}'{Nearest.Hint(other, [.. known])}");
        return found;
    }
}
