namespace AstStream.Learning.Evaluation;

/// <summary>How scenes are made.</summary>
public sealed record SceneOptions
{
    /// <summary>Seconds of a scene; 60 by default.</summary>
    public double Length { get; init; } = 60;

    /// <summary>Events in a scene; 6 by default. Where they don't fit there are fewer.</summary>
    public int Events { get; init; } = 6;

    /// <summary>An event's level over the background under it, in decibels.</summary>
    public double Snr { get; init; } = 15;

    /// <summary>Whether events may overlap; false by default, which leaves half a second between them.</summary>
    public bool Overlaps { get; init; }

    /// <summary>The background's level, in decibels of full scale; -45 by default.</summary>
    public double BackgroundLevel { get; init; } = -45;

    /// <summary>The longest event, in seconds; 10 by default. A longer sound is cut.</summary>
    public double LongestEvent { get; init; } = 10;
}
