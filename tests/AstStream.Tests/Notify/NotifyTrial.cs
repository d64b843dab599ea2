using AstStream.Station;
using AstStream.Station.Targets;
using AstStream.Tests.Station;
using AstStream.Tests.Streaming;

namespace AstStream.Tests.Notify;

/// <summary>Notifications as a definition says them.</summary>
public abstract class NotifyTrial : StoreTrial
{
    private protected const string Rules = "rules: {all: {}}";

    /// <summary>The section of a pipeline that has no station, and what is wrong with it.</summary>
    private protected (NotifySettings Settings, IReadOnlyList<string> Problems) Read(string notify, string more = "")
    {
        var (definition, problems) = DefinitionText.Read(
            _folder, $"sources: {{mic: {{type: stdin}}}}\nnotify:\n  {notify.ReplaceLineEndings("\n  ")}\n{more}");
        return (definition.Section<NotifySettings>()!, problems);
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
