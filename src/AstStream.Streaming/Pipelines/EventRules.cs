using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// Makes the options of decoding from what a definition says of labels by name and of times, for one model's labels and hop.
/// </summary>
internal static class EventRules
{
    private const string None = "none";

    public static EventOptions For(EventDefinition definition, OpenModel model, ConfigProblems problems)
    {
        var labels = model.Labels;
        foreach (var (key, named) in ((Key, IEnumerable<string>)[])[(EventDefinition.ThresholdsKey, definition.Thresholds.Keys),
            (EventDefinition.EarlyLabelsKey, definition.EarlyLabels.Keys)])
        {
            foreach (var label in named.Where(l => !labels.Contains(l)))
                problems.Add(definition.Places.Problem(key, $"{Named(model)} has no label '{label}'{Nearest.Hint(label, [.. labels])}"));
        }

        var wanted = Wanted(definition, model, problems);
        var thresholds = new float[labels.Count];
        var releases = new float[labels.Count];
        for (var i = 0; i < thresholds.Length; i++)
        {
            // A label that is not wanted has a threshold that no score reaches.
            if (wanted?.Contains(labels[i]) == false)
            {
                thresholds[i] = releases[i] = float.PositiveInfinity;
                continue;
            }

            thresholds[i] = (float)(definition.Thresholds.TryGetValue(labels[i], out var own) ? own
                : definition.Threshold ?? model.DefaultThreshold(i));
            releases[i] = Math.Min(thresholds[i], (float?)definition.ReleaseThreshold ?? (EventOptions.Hysteresis * thresholds[i]));
        }

        return definition.Options with
        {
            Thresholds = thresholds,
            ReleaseThresholds = releases,
            EarlySureties = definition.EarlyLabels.Count == 0 ? []
                : [.. labels.Select(l => definition.EarlyLabels.TryGetValue(l, out var own) ? (float)own : definition.Options.EarlySurety)],
            Ancestors = definition.DropsRelated ? model.Ancestors : [],
            Related = definition.DropsRelated ? model.Related : [],
            Rivals = Rivals(definition, model, problems),
            MedianWindows = MedianWindows(definition, model.Window.HopFrames, problems),
            HopLength = model.Window.HopFrames * FbankOptions.FrameShift,
        };
    }

    private static string Named(OpenModel model) =>
        model.IsShadow ? $"the model in its shadow, {model.Checkpoints[0].Folder}," : "the model";

    private static string NoLabel(string name, OpenModel model) =>
        $"{Named(model)} has no label '{name}'{Nearest.Hint(name, [.. model.Labels, .. model.Views.Keys])}";

    /// <summary>The labels that are wanted, one by one; null for all.</summary>
    private static HashSet<string>? Wanted(EventDefinition definition, OpenModel model, ConfigProblems problems)
    {
        if (model.View is { } view)
        {
            if (definition.Labels is not [var only] || only != view.Name)
                problems.Add(definition.Places.Problem(
                    EventDefinition.LabelsKey, $"the model runs with the classes of the view '{view.Name}'; other labels need a restart"));
            return [.. view.Reported];
        }

        foreach (var name in (definition.Labels ?? []).Where(n => model.LabelsOf(n).Count == 0))
        {
            var problem = model.Views.ContainsKey(name)
                ? $"the view '{name}' has classes of its own, so it stands alone, from the start of a run"
                : model.Checkpoints[0].ViewWith(name) is { } own
                ? $"{Named(model)} has no label '{name}', its view '{own}' does: 'labels: {own}' makes its classes the model's"
                : NoLabel(name, model);
            problems.Add(definition.Places.Problem(EventDefinition.LabelsKey, problem));
        }

        return definition.Labels?.SelectMany(model.LabelsOf).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Of each label, those that rule it out; empty where nothing does.</summary>
    private static IReadOnlyList<IReadOnlyList<int>> Rivals(EventDefinition definition, OpenModel model, ConfigProblems problems)
    {
        var labels = model.Labels;
        IEnumerable<string> named = definition.Unless is [None] ? []
            : definition.Unless ?? (definition.Options.Timing == EventTiming.Segment ? model.OtherSounds : []);
        var index = labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        var among = new HashSet<int>();
        foreach (var name in named)
        {
            var view = model.Views.GetValueOrDefault(name);
            IReadOnlyList<string> meant = index.ContainsKey(name) ? [name] : view is { HasOwnClasses: false } ? view.Labels : [];
            if (meant.Count == 0)
                problems.Add(definition.Places.Problem(
                    EventDefinition.UnlessKey,
                    name == None ? "'none' stands beside labels; expected it alone"
                    : view is not null ? $"the view '{name}' has classes of its own, which rule nothing out; expected the model's labels"
                    : NoLabel(name, model)));
            among.UnionWith(meant.Where(index.ContainsKey).Select(l => index[l]));
        }

        return among.Count == 0 ? [] : LabelRivals.Of(model.Checkpoints[0], among);
    }

    /// <summary>The hops that the median filter looks at: an odd number, so that one is in the middle.</summary>
    private static int MedianWindows(EventDefinition definition, int hopFrames, ConfigProblems problems)
    {
        if (definition.Smoothing is not { } smoothing)
            return definition.Options.MedianWindows;
        const int most = EventDefinition.MostMedianWindows;
        var hop = hopFrames * 0.01; // seconds
        var nearest = (2 * Math.Round(((smoothing.TotalSeconds / hop) - 1) / 2, MidpointRounding.AwayFromZero)) + 1;
        if (nearest > most)
            problems.Add(definition.Places.Problem(
                EventDefinition.SmoothingKey,
                FormattableString.Invariant($"is {nearest} hops of {hop} s; expected at most {most}, {most * hop} s")));
        return (int)Math.Clamp(nearest, 1, most);
    }
}
