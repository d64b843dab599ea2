using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>What another definition changes of a running one, and what of it can't be had without a restart.</summary>
/// <param name="Models">The models that another one takes the place of.</param>
/// <param name="Shadows">The models that score in the shadow of others, which end, begin, or are opened anew.</param>
/// <param name="Sources">The sources that end, begin, or are rebuilt.</param>
/// <param name="Sinks">The same of sinks.</param>
/// <param name="Events">The models whose scores become events in another way.</param>
/// <param name="Conflicts">What can't be changed while it runs.</param>
internal sealed record PipelineDiff(
    IReadOnlyList<ModelDefinition> Models, IReadOnlyList<Change<ModelDefinition>> Shadows,
    IReadOnlyList<Change<SourceDefinition>> Sources, IReadOnlyList<Change<SinkDefinition>> Sinks, IReadOnlyList<ModelDefinition> Events,
    IReadOnlyList<ConfigProblem> Conflicts)
{
    /// <summary>The way from one definition to another.</summary>
    public static PipelineDiff Between(PipelineDefinition running, PipelineDefinition next)
    {
        bool DependAlike(ComponentSettings before, ComponentSettings after) => before.DependsOn(running) == after.DependsOn(next);
        var sources = Changes(
            running.Sources, next.Sources, s => s.Name,
            (a, b) => a.Fingerprint == b.Fingerprint && DependAlike(a.Settings, b.Settings));
        var sinks = Changes(
            running.Sinks, next.Sinks, s => s.Name,
            (a, b) => a.Fingerprint == b.Fingerprint && DependAlike(a.Settings, b.Settings) && HaveSameLabels(a.Options, b.Options));
        var models = ChangedModels(running, next);
        var events = Both(Changes(running.Models, next.Models, m => m.Name, (a, b) => a.Events.Fingerprint == b.Events.Fingerprint));
        return new PipelineDiff(
            models, ChangedShadows(running, next), sources, sinks, [.. events.Except(models)],
            [.. WhatIsFixed(running, next), .. Handovers(next, sources)]);
    }

    /// <summary>The models of another definition that take the place of a running one's.</summary>
    public static IReadOnlyList<ModelDefinition> ChangedModels(PipelineDefinition running, PipelineDefinition next) =>
        Both(Changes(running.Models, next.Models, m => m.Name, (a, b) => a.Fingerprint == b.Fingerprint));

    /// <summary>The shadows that end, begin, or are opened anew.</summary>
    public static IReadOnlyList<Change<ModelDefinition>> ChangedShadows(PipelineDefinition running, PipelineDefinition next) =>
        Changes(running.Shadows, next.Shadows, m => m.Name, (a, b) => a.Fingerprint == b.Fingerprint);

    private static List<ModelDefinition> Both(List<Change<ModelDefinition>> changes) =>
        [.. changes.Where(c => c.Before is not null).Select(c => c.After).OfType<ModelDefinition>()];

    /// <summary>Another model may have other labels that a name means.</summary>
    private static bool HaveSameLabels(SinkOptions before, SinkOptions after) =>
        before.Labels is null ? after.Labels is null : after.Labels is not null && before.Labels.SequenceEqual(after.Labels);

    /// <summary>What is changed, in words; empty where nothing is.</summary>
    public override string ToString() => string.Join(
        ", ", [
            .. Models.Select(m => m.Places.Path == "model" ? "model" : $"model {m.Name}"),
            .. Shadows.Select(s => $"shadow of {s}"), .. Sinks.Select(s => $"sink {s}"),
            .. Events.Select(m => m.Places.Path == "model" ? "events" : $"events of {m.Name}"),
            .. Sources.Select(s => $"source {s}"),
        ]);

    /// <summary>Those that end or change, in the order that they have, then those that begin.</summary>
    private static List<Change<T>> Changes<T>(
        IReadOnlyList<T> running, IReadOnlyList<T> next, Func<T, string> nameOf, Func<T, T, bool> areSame)
        where T : class
    {
        var after = next.ToDictionary(nameOf, StringComparer.Ordinal);
        var before = running.Select(nameOf).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. running.Where(r => !after.TryGetValue(nameOf(r), out var n) || !areSame(r, n))
                .Select(r => new Change<T>(nameOf(r), r, after.GetValueOrDefault(nameOf(r)))),
            .. next.Where(n => !before.Contains(nameOf(n))).Select(n => new Change<T>(nameOf(n), null, n)),
        ];
    }

    /// <summary>What the run was built with, and keeps.</summary>
    private static IEnumerable<ConfigProblem> WhatIsFixed(
        PipelineDefinition running, PipelineDefinition next)
    {
        foreach (var model in next.Models.Where(n => running.Models.All(m => m.Name != n.Name)))
            yield return model.Places.Problem("models can't be added while it runs; restart for that");
        if (running.Models.Any(m => next.Models.All(n => n.Name != m.Name)) || next.Lanes != running.Lanes)
            yield return new ConfigProblem(
                next.Path, 0, 0, "models and lanes can't be added or removed while it runs; restart for that");
        foreach (var section in Changes(running.Sections, next.Sections, s => s.Name, (a, b) => a.Fingerprint == b.Fingerprint))
            yield return (section.After ?? section.Before!).Places.Problem("can't be changed while it runs; restart for that");
        if (!running.PassesAudio && next.Sinks.FirstOrDefault(s => s.Options.Audio) is { } taker)
            yield return taker.Places.Problem("takes audio, as no sink did when the run began; restart for that");
    }

    /// <summary>What one source has and can't give to another.</summary>
    private static IEnumerable<ConfigProblem> Handovers(PipelineDefinition next, List<Change<SourceDefinition>> sources)
    {
        var kept = sources.SelectMany(s => s.Before?.Settings.Resources ?? []).Where(r => !r.CanBeTakenOver)
            .Select(r => (r.Kind, r.Name)).ToHashSet();
        return sources.Where(s => s.After?.Settings.Resources.Any(r => kept.Contains((r.Kind, r.Name))) == true)
            .Select(s => new ConfigProblem(
                next.Path, 0, 0, $"sources.{s.Name}: can't take over while it runs what another one is reading; restart for that"));
    }
}
