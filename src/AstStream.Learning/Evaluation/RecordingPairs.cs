namespace AstStream.Learning.Evaluation;

/// <summary>Streams of a run and files of the truth that are the same recording.</summary>
/// <param name="Truth">What is there in them.</param>
/// <param name="Reported">What was reported of them, under the truth's names.</param>
/// <param name="Hours">How much sound that is.</param>
public sealed record RecordingPairs(Truth Truth, IReadOnlyList<TimedLabel> Reported, double Hours)
{
    private Dictionary<string, string> ByStream { get; init; } = [];

    /// <summary>Brings both sides together by the files' names, or as they are where each side has but one.</summary>
    /// <param name="truth">What is there.</param>
    /// <param name="trial">What was reported.</param>
    /// <param name="warn">Gets what is left out.</param>
    /// <returns>Null where no recording is on both sides.</returns>
    public static RecordingPairs? Match(Truth truth, EventTrial trial, Action<string> warn)
    {
        var byStream = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var sameName in trial.Seconds.Keys.GroupBy(Truth.NameOf, StringComparer.Ordinal))
        {
            if (!truth.Files.Contains(sameName.Key))
                continue;
            if (sameName.Count() > 1)
                warn($"{string.Join(" and ", sameName.Order(StringComparer.Ordinal))} have one name, {sameName.Key}: they are left out");
            else
                byStream.Add(sameName.Single(), sameName.Key);
        }

        if (byStream.Count == 0 && trial.Seconds.Count == 1 && truth.Files.Count == 1)
            byStream.Add(trial.Seconds.Keys.Single(), truth.Files.Single());
        if (byStream.Count == 0)
            return null;
        foreach (var stream in trial.Seconds.Keys.Where(s => !byStream.ContainsKey(s)).Order(StringComparer.Ordinal))
            warn($"{stream}: the truth does not speak of it: it is left out");
        var files = byStream.Values.ToHashSet(StringComparer.Ordinal);
        foreach (var file in truth.Files.Where(f => !files.Contains(f)).Order(StringComparer.Ordinal))
            warn($"{file}: the pipeline has no such recording: what is there in it is left out");
        return new RecordingPairs(
            new Truth(files, [.. truth.Events.Where(e => files.Contains(e.File))]),
            Renamed(trial.Events, byStream),
            byStream.Keys.Sum(s => trial.Seconds[s]) / 3600)
        { ByStream = byStream };
    }

    /// <summary>Other events of the run, of these recordings, under the truth's names.</summary>
    public IReadOnlyList<TimedLabel> Of(IEnumerable<TimedLabel> events) => Renamed(events, ByStream);

    private static IReadOnlyList<TimedLabel> Renamed(IEnumerable<TimedLabel> events, Dictionary<string, string> byStream) =>
        [.. events.Where(e => byStream.ContainsKey(e.File)).Select(e => e with { File = byStream[e.File] })];
}
