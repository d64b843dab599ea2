using System.ComponentModel;
using AstStream.Events;

namespace AstStream.Station.Web;

/// <summary>A person's word on some events, as a request brings it.</summary>
internal sealed record ReviewBody
{
    private const int MostEvents = 500;
    private const int LongestText = 200;

    [Description("The ids of the events, at most 500.")]
    public required IReadOnlyList<string> EventIds { get; init; }

    [Description("right, wrong, other_label, or withdrawn, which takes back what was said before.")]
    public required string Verdict { get; init; }

    [Description("What it is, with other_label; 1 to 200 characters.")]
    public string? Label { get; init; }

    [Description("Who says so; 1 to 200 characters, 'page' by default.")]
    public string? By { get; init; }

    /// <summary>A verdict by the word for it; null for no such word.</summary>
    public static ReviewVerdict? ParseVerdict(string word)
    {
        foreach (var verdict in Enum.GetValues<ReviewVerdict>())
        {
            if (verdict.SnakeCase() == word)
                return verdict;
        }

        return null;
    }

    /// <summary>The reviews, or what is wrong.</summary>
    public (IReadOnlyList<Review> Reviews, string? Problem) Read(DateTimeOffset now)
    {
        if (EventIds is not { Count: > 0 and <= MostEvents } || EventIds.Any(string.IsNullOrEmpty))
            return ([], $"event_ids: expected 1 to {MostEvents} ids");
        if (ParseVerdict(Verdict) is not { } verdict)
            return ([], "verdict: expected right, wrong, other_label or withdrawn");
        if ((verdict == ReviewVerdict.OtherLabel) != (Label is not null))
            return ([], "label: expected with other_label, and only there");
        foreach (var (name, text) in ((string, string?)[])[("label", Label), ("by", By)])
        {
            if (text is not null && (string.IsNullOrWhiteSpace(text) || text.Length > LongestText))
                return ([], $"{name}: expected 1 to {LongestText} characters");
        }

        return ([.. EventIds.Distinct().Select(id => new Review(id, verdict, Label, By ?? "page", now))], null);
    }
}
