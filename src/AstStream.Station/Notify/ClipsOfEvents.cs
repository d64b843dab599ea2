using AstStream.Dsp;
using AstStream.Station.Store;
using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>Finds the clips of events that have closed.</summary>
/// <param name="outbox">The store that knows them.</param>
/// <param name="path">The full path of a clip's file, from what the store says of it.</param>
internal sealed class ClipsOfEvents(NoticeOutbox outbox, Func<string, string> path)
{
    private const long LargestSound = 10_000_000; // bytes that are sent

    /// <summary>What is wanted of an event's clip; nothing where there is none.</summary>
    public NoticeFiles Find(string eventId, Wanted wanted)
    {
        try
        {
            if (outbox.ClipOf(eventId) is not { } known)
                return NoticeFiles.None;
            var file = path(known);
            return new NoticeFiles(
                wanted.HasFlag(Wanted.Picture) ? ClipPicture.Of(file) : null,
                wanted.HasFlag(Wanted.Sound) && new FileInfo(file).Length <= LargestSound ? file : null);
        }
        catch (Exception e) when (e is StoreException or InvalidAudioException or IOException or UnauthorizedAccessException)
        {
            return NoticeFiles.None; // it was removed meanwhile
        }
    }
}
