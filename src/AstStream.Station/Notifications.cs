using System.Diagnostics;
using AstStream.Station.Notify;
using AstStream.Station.Targets;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;

namespace AstStream.Station;

/// <summary>Makes what a pipeline says of notifications.</summary>
public static class Notifications
{
    /// <summary>Makes the notifications of a pipeline, before its graph is made; null where the definition has none.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="station">Its station, made before; null where it has none.</param>
    /// <param name="time">The clock.</param>
    public static Notifier? Of(Pipeline pipeline, SoundStation? station, TimeProvider time)
    {
        if (pipeline.Section<NotifySettings>() is not { } settings)
            return null;
        var notifier = new Notifier(
            settings.Options, station is null ? NoticeStore.Own(settings.Data, time) : station.Notices, new RuleLabels(pipeline).Has,
            station?.ClipPath, time);
        if (station is not null)
            station.Reviewed = notifier.Take;
        pipeline.AddSink(NotifySettings.Type.Name, notifier, new SinkOptions());
        return notifier;
    }

    /// <summary>Sends a notification to one target, to see whether it arrives; it is tried once, and kept nowhere.</summary>
    /// <param name="settings">The definition's.</param>
    /// <param name="name">The target, one of <see cref="NotifySettings.TargetNames"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>Where it went, how long that took, and what is wrong; null where it has arrived.</returns>
    public static async Task<(string Place, TimeSpan Took, string? Problem)> TryAsync(
        NotifySettings settings, string name, TimeProvider time, CancellationToken cancellation)
    {
        using var target = settings.Options.Targets.First(t => t.Name == name).Settings.Build(time);
        var notice = new NoticeText(settings.Options.Link, hasClips: false, time).Trial();
        var picture = target.Attachments.HasFlag(Wanted.Picture) ? ClipPicture.Draw(Chirp(), 16_000) : null;
        var begin = Stopwatch.GetTimestamp();
        string? problem = null;
        try
        {
            await TargetTry.OnceAsync(target, notice, new NoticeFiles(picture, Sound: null), time, cancellation).ConfigureAwait(false);
        }
        catch (TargetException e)
        {
            problem = e.Message;
        }

        return (target.Place, Stopwatch.GetElapsedTime(begin), problem);
    }

    /// <summary>A tone that rises, for a picture that shows that pictures arrive.</summary>
    private static float[] Chirp() => [.. Enumerable.Range(0, 32_000).Select(i =>
    {
        var t = i / 16_000.0;
        return (float)(0.5 * Math.Sin(2 * Math.PI * ((300 * t) + (1500 * t * t))));
    })];
}
