using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.Station.Clips;

/// <summary>A clip that is being written. Samples are those of the stream's own rate.</summary>
/// <param name="id">The id of its first event.</param>
/// <param name="stream">The stream.</param>
/// <param name="start">Its first sample.</param>
/// <param name="sampleRate">Samples a second.</param>
internal sealed class OpenClip(string id, StreamIdentity stream, long start, int sampleRate)
{
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);

    public string Id => id;

    public StreamIdentity Stream => stream;

    public long Start { get; } = start;

    public int SampleRate => sampleRate;

    /// <summary>The events in it.</summary>
    public List<string> Events { get; } = [];

    /// <summary>The labels of these.</summary>
    public HashSet<string> Labels { get; } = new(StringComparer.Ordinal);

    /// <summary>How its time was scored; from its end on.</summary>
    public IReadOnlyList<ScoreCurve> Scores { get; set; } = [];

    /// <summary>Whether an event of it goes on.</summary>
    public bool HasOpen => _open.Count > 0;

    /// <summary>The sample after the last one of its closed events.</summary>
    public long LastOffset { get; private set; }

    /// <summary>The sample after the last one that was written.</summary>
    public long Written { get; set; } = start;

    /// <summary>Written samples that are silence in place of private sound.</summary>
    public long Muted { get; set; }

    /// <summary>Written samples that were sound.</summary>
    public long Found { get; set; }

    /// <summary>Whether some of its sound found no room on its way to the file.</summary>
    public bool IsCutShort { get; set; }

    /// <summary>Whether it has sound that it must not have.</summary>
    public bool IsSpoiled { get; set; }

    /// <summary>Takes an event, whose interval begins in it.</summary>
    public void Begin(SoundEvent e)
    {
        if (!Events.Contains(e.Id))
            Events.Add(e.Id);
        Labels.Add(e.Label);
        _open.Add(e.Id);
    }

    /// <summary>An event of it is over; false where it is none of it.</summary>
    public bool End(string e, long offset)
    {
        if (!_open.Remove(e))
            return false;
        LastOffset = Math.Max(LastOffset, offset);
        return true;
    }
}
