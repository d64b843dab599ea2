using System.Globalization;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// Sets the threshold of one label in the text of a pipeline definition: comments, layout and everything else stay as they are.
/// </summary>
public static class ThresholdEdit
{
    /// <summary>The text with the threshold set.</summary>
    /// <param name="text">The definition.</param>
    /// <param name="model">The model's name, where the definition has several under models; null for the one in events.</param>
    /// <param name="label">The label.</param>
    /// <param name="threshold">The threshold, 0 to 1.</param>
    /// <exception cref="InvalidOperationException">The text is laid out in a way that can't be edited so; the message says it.</exception>
    public static string Apply(string text, string? model, string label, double threshold) => DefinitionEdit.Set(
        text, model is null ? ["events", "thresholds", label] : ["models", model, "events", "thresholds", label],
        threshold.ToString("0.####", CultureInfo.InvariantCulture));
}
