using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Notify;

/// <summary>The labels that rules mean, by model: those that they name, those of views, and those below them.</summary>
/// <param name="pipeline">The pipeline, which knows its models.</param>
internal sealed class RuleLabels(Pipeline pipeline)
{
    private readonly ConditionalWeakTable<Vocabulary, ConcurrentDictionary<string, IReadOnlySet<string>>> _labels = []; // by rule

    /// <summary>Whether a rule wants a label of a model; of a model that is not there any more, no rule does.</summary>
    public bool Has(EventRule rule, string model, string label) => rule.Labels.Count == 0
        || (pipeline.VocabularyOf(model) is { } vocabulary
            && _labels.GetOrCreateValue(vocabulary).GetOrAdd(rule.Name, _ => vocabulary.Under(rule.Labels)).Contains(label));
}
