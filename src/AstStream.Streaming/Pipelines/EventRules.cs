using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Streaming.Definitions;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// Makes the options of decoding from what a definition says of labels by name and of times, for one model's labels and hop.
/// </summary>
internal static class EventRules
{
    private const float Hysteresis = 0.8f; // of a label's threshold, where the definition says no release threshold

    public static EventOptions For(EventDefinition definition, OpenModel model, ConfigProblems problems)
    {
        var labels = model.Labels;
        foreach (var (key, label) in definition.Thresholds.Keys.Select(l => ((Key)EventDefinition.ThresholdsKey, l))
            .Concat((definition.Labels ?? []).Select(l => ((Key)EventDefinition.LabelsKey, l))))
        {
            if (!labels.Contains(label))
                problems.Add(definition.Places.Problem(key, $"the model has no label '{label}'{Nearest.Hint(label, [.. labels])}"));
        }

        var thresholds = new float[labels.Count];
        var releases = new float[labels.Count];
        for (var i = 0; i < thresholds.Length; i++)
        {
            // A label that is not wanted has a threshold that no score reaches.
            if (definition.Labels?.Contains(labels[i]) == false)
            {
                thresholds[i] = releases[i] = float.PositiveInfinity;
                continue;
            }

            thresholds[i] = (float)(definition.Thresholds.TryGetValue(labels[i], out var own) ? own
                : definition.Threshold ?? model.DefaultThreshold(i));
            releases[i] = Math.Min(thresholds[i], (float?)definition.ReleaseThreshold ?? (Hysteresis * thresholds[i]));
        }

        return definition.Options with
        {
            Thresholds = thresholds,
            ReleaseThresholds = releases,
            MedianWindows = MedianWindows(definition, model.Window.HopFrames, problems),
            HopLength = model.Window.HopFrames * FbankOptions.FrameShift,
        };
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
