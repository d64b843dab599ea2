using System.Collections.Concurrent;
using AstStream.Streaming.Pipelines;

namespace AstStream.Station.Notify;

/// <summary>The labels that rules mean, by model: those that they name, those of views, and those below them.</summary>
/// <param name="pipeline">The pipeline, which knows its models.</param>
internal sealed class RuleLabels(Pipeline pipeline)
{
    private readonly ConcurrentDictionary<(string Rule, string Model), IReadOnlySet<string>> _labels = [];

    /// <summary>Whether a rule wants a label of a model.</summary>
    public bool Has(EventRule rule, string model, string label) => rule.Labels.Count == 0 || _labels.GetOrAdd(
        (rule.Name, model),
        _ => pipeline.HasModel(model) ? pipeline.LabelsUnder(model, rule.Labels)
            : new HashSet<string>()).Contains(label); // of an event of before, whose model is another one's now
}
