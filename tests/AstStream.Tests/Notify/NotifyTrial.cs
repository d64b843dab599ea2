using AstStream.Station;
using AstStream.Station.Targets;
using AstStream.Streaming.Definitions;
using AstStream.Tests.Station;
using AstStream.Worker;

namespace AstStream.Tests.Notify;

/// <summary>Notifications as a definition says them.</summary>
public abstract class NotifyTrial : StoreTrial
{
    private protected const string Rules = "rules: {all: {}}";

    /// <summary>The section of a pipeline that has no station, and what is wrong with it.</summary>
    private protected (NotifySettings Settings, IReadOnlyList<string> Problems) Read(string notify, string more = "")
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $"sources: {{mic: {{type: stdin}}}}\nnotify:\n  {notify.ReplaceLineEndings("\n  ")}\n{more}");
        var problems = new ConfigProblems();
        var definition = PipelineReader.Read(path, [], WorkerCatalog.All, problems);
        try
        {
            problems.ThrowIfAny();
            return (definition.Section<NotifySettings>()!, []);
        }
        catch (InvalidPipelineException e)
        {
            return (definition.Section<NotifySettings>()!, [.. e.Problems.Select(p => p.ToString())]);
        }
    }

    /// <summary>A target of these keys.</summary>
    private protected INoticeTarget Target(string keys)
    {
        var (settings, problems) = Read($"data: n.db\ntargets: {{it: {{{keys}}}}}\n{Rules}");
        Assert.Empty(problems);
        return settings.Options.Targets[0].Settings.Build(TimeProvider.System);
    }

    private protected static Notice Notice() =>
        new("n1", "aststream.event.v1", "Dog · höf", "since 22:30:00, score 0.75", Urgency.High, s_start, """{"id":"1"}""")
        {
            Subject = "höf",
            Link = "http://station/#events/1",
        };
}
