using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>The sound of one event, or of several that overlap, in a file.</summary>
/// <param name="Id">The id of the first event in it.</param>
/// <param name="Stream">The stream that it is of.</param>
/// <param name="Start">Its first sample at the stream's own rate, counted from the stream's start.</param>
/// <param name="SampleRate">That rate.</param>
/// <param name="Samples">How many there are.</param>
/// <param name="File">Where it is, from the folder of clips on.</param>
/// <param name="Bytes">How long the file is.</param>
public sealed record StoredClip(string Id, StreamIdentity Stream, long Start, int SampleRate, long Samples, string File, long Bytes)
{
    /// <summary>How many samples are silence in place of sound that is private.</summary>
    public long Muted { get; init; }

    /// <summary>How many samples are silence in place of sound that was lost.</summary>
    public long Missing { get; init; }

    /// <summary>Whether it was asked to be kept.</summary>
    public bool IsPinned { get; init; }

    /// <summary>How its time was scored: labels of its events first, then the likeliest others.</summary>
    public IReadOnlyList<ScoreCurve> Scores { get; init; } = [];

    /// <summary>The ids of the events whose sound is in it.</summary>
    public IReadOnlyList<string> Events { get; init; } = [];
}
