using System.ComponentModel;
using AstStream.Events;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Mvc;

namespace AstStream.Station.Web;

/// <summary>Which events, as the query of a request says it.</summary>
internal sealed class EventFilter
{
    private const int MostEvents = 2000; // of one answer
    private const int MostNames = 100;
    private const int LongestName = 1000;

    [FromQuery(Name = "label")]
    [Description("Of these labels; can be given several times.")]
    public string[] Labels { get; init; } = [];

    [FromQuery(Name = "stream")]
    [Description("Of these streams, by names or patterns with *; can be given several times.")]
    public string[] Streams { get; init; } = [];

    [FromQuery(Name = "since")]
    [Description("The earliest onset, as 2026-05-01T06:00:00Z.")]
    public DateTimeOffset? Since { get; init; }

    [FromQuery(Name = "until")]
    [Description("Onsets are before it.")]
    public DateTimeOffset? Until { get; init; }

    [FromQuery(Name = "min_score")]
    [Description("The least score, 0 to 1.")]
    public double? MinScore { get; init; }

    [FromQuery(Name = "verdict")]
    [Description("What people found: none, right, wrong, other_label; can be given several times.")]
    public string[] Verdicts { get; init; } = [];

    /// <summary>The query of some events at once, or what is wrong with it; how many, is for the caller to put into it.</summary>
    public (EventQuery? Query, string? Problem) Read(int? limit)
    {
        var read = Read();
        return read.Query is null || limit is null or (>= 1 and <= MostEvents) ? read : (null, $"limit: expected 1 to {MostEvents}");
    }

    /// <summary>The query, or what is wrong with it.</summary>
    public (EventQuery? Query, string? Problem) Read()
    {
        if (Labels.Length + Streams.Length > MostNames || Labels.Concat(Streams).Any(n => n.Length is 0 or > LongestName))
            return (null, $"expected at most {MostNames} labels and streams together, each of 1 to {LongestName} characters");
        if (MinScore is not (null or (>= 0 and <= 1)))
            return (null, "min_score: expected a number from 0 to 1");
        var verdicts = new List<ReviewVerdict?>();
        foreach (var word in Verdicts)
        {
            if (word == "none")
                verdicts.Add(null);
            else if (ReviewBody.ParseVerdict(word) is { } verdict and not ReviewVerdict.Withdrawn)
                verdicts.Add(verdict);
            else
                return (null, "verdict: expected none, right, wrong or other_label");
        }

        return (new EventQuery
        {
            Labels = Labels,
            Streams = Streams,
            Since = Since,
            Until = Until,
            MinScore = MinScore ?? 0,
            Verdicts = verdicts,
        }, null);
    }
}
