using System.ComponentModel;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Clips: what is known of them, their sound, whether they are kept.</summary>
internal static class ClipsApi
{
    public static void Map(RouteGroupBuilder api, WebSource source)
    {
        api.MapGet("/clips/{id}", Results<Ok<ClipItem>, ProblemHttpResult> (string id) =>
            Find(source, id) is { } clip ? TypedResults.Ok(Of(clip)) : Problems.NotFound("clip", id))
            .Needs(Right.Read).WithName("clip").WithSummary("What is known of a clip.");
        api.MapMethods("/clips/{id}/sound", Problems.Looking, Results<PhysicalFileHttpResult, ProblemHttpResult> (string id) =>
            Find(source, id) is { } clip && source.ClipPath(clip.File) is var path && File.Exists(path)
                ? TypedResults.PhysicalFile(path, path.EndsWith(".flac", StringComparison.Ordinal) ? "audio/flac" : "audio/wav",
                    Path.GetFileName(path), enableRangeProcessing: true)
                : Problems.NotFound("clip", id))
            .Needs(Right.Read).WithName("sound").WithSummary("A clip's sound, FLAC or WAV; takes ranges.");
        api.MapPut("/clips/{id}/pin", Results<NoContent, ProblemHttpResult> (string id, PinBody body) =>
            {
                var isThere = false;
                source.Write(writer => isThere = writer.Pin(id, body.Pinned));
                return isThere ? TypedResults.NoContent() : Problems.NotFound("clip", id);
            })
            .Needs(Right.Review).WithName("pin").WithSummary("Keeps a clip from being removed, or no longer.");
    }

    private static StoredClip? Find(WebSource source, string id)
    {
        using var reader = ClipReader.Open(source.Store);
        return reader.Find(id);
    }

    private static ClipItem Of(StoredClip clip)
    {
        var start = (double)clip.Start / clip.SampleRate;
        return new ClipItem(
            clip.Id, clip.Stream.Id, start, clip.Stream.TimeAt(start)?.UtcDateTime, (double)clip.Samples / clip.SampleRate, clip.SampleRate,
            (double)clip.Muted / clip.SampleRate, (double)clip.Missing / clip.SampleRate, clip.Bytes, clip.IsPinned, clip.Events,
            clip.Scores);
    }

    /// <summary>What is known of a clip.</summary>
    internal sealed record ClipItem(
        [property: Description("Its id: that of the first event in it.")] string Id,
        [property: Description("The stream.")] string Stream,
        [property: Description("Where it begins, in seconds from the stream's start.")] double Start,
        [property: Description("When it begins, where that is known.")] DateTime? StartTime,
        [property: Description("How long it is, in seconds.")] double Seconds,
        [property: Description("Samples a second.")] int SampleRate,
        [property: Description("Seconds that are silence in place of private sound.")] double MutedSeconds,
        [property: Description("Seconds that are silence in place of sound that was lost.")] double MissingSeconds,
        [property: Description("The length of its file.")] long Bytes,
        [property: Description("Whether it is kept.")] bool Pinned,
        [property: Description("The events whose sound is in it.")] IReadOnlyList<string> Events,
        [property: Description("How its time was scored: labels of its events first, then the likeliest others. Times are the middles of "
            + "the scored windows, in seconds from the stream's start.")] IReadOnlyList<ScoreCurve> Scores);

    /// <summary>Whether to keep a clip.</summary>
    internal sealed record PinBody([property: Description("true to keep it.")] bool Pinned);
}
