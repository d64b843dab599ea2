namespace AstStream.Learning.Evaluation;

/// <summary>A sound in a file: what it is, and when. Said by a person, or by a model.</summary>
/// <param name="File">The file, as both sides call it.</param>
/// <param name="Label">The class name.</param>
/// <param name="Onset">Seconds from the file's start.</param>
/// <param name="Offset">Seconds, exclusive end.</param>
public readonly record struct TimedLabel(string File, string Label, double Onset, double Offset)
{
    /// <summary>Seconds of the file that were heard when it was reported as opened; null where nobody knows.</summary>
    public double? Opened { get; init; }

    /// <summary>Whether another one is of the same file and label, and sounds at some time at which this one does.</summary>
    public bool Overlaps(TimedLabel other) =>
        File == other.File && Label == other.Label && Onset < other.Offset && other.Onset < Offset;
}
