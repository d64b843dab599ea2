using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>Where an event's sound is.</summary>
/// <param name="Id">The event's id.</param>
/// <param name="File">The clip's file.</param>
/// <param name="Onset">Where it begins in the clip, in seconds.</param>
/// <param name="Offset">Where it ends there.</param>
public sealed record EventSound(string Id, string File, double Onset, double Offset)
{
    /// <summary>The closed events of a station that have sound, and no embedding of a model, the latest first.</summary>
    /// <param name="station">The station's folder; a run may write to it meanwhile.</param>
    /// <param name="hash">The model's hash.</param>
    /// <exception cref="StoreException">There is no store, or it can't be read.</exception>
    public static IReadOnlyList<EventSound> WithoutEmbedding(string station, string hash)
    {
        var store = Path.Combine(station, StoreFile.Name);
        var folder = Path.GetFullPath(Path.Combine(station, ClipFolder.Name));
        using var reader = StoreReader.Open(store);
        using var clips = ClipReader.Open(store);
        using var embeddings = EmbeddingReader.Open(store);
        var found = new List<EventSound>();
        foreach (var stored in reader.Events(new EventQuery()))
        {
            if (stored.Event.State == EventState.Closed && stored.Clip is { } id
                && embeddings.Of(stored.Event.Id)?.Hash != hash && clips.Find(id) is { } clip
                && ClipFolder.Existing(folder, clip.File) is { } file)
            {
                var start = (double)clip.Start / clip.SampleRate;
                found.Add(new EventSound(stored.Event.Id, file, stored.Event.Onset - start, stored.Event.Offset - start));
            }
        }

        return found;
    }
}
