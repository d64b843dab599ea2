using AstStream.Events;
using AstStream.Events.Unusual;

namespace AstStream.Streaming.Sources;

/// <summary>A piece of a stream's time that a model has decided. Samples are counted as <see cref="ModelTime"/> does.</summary>
public readonly ref struct DecidedPiece
{
    /// <summary>The model, by its name in the pipeline.</summary>
    public required string Model { get; init; }

    /// <summary>What became of it.</summary>
    public required CoverageState State { get; init; }

    /// <summary>The sample up to which everything is decided.</summary>
    public required long Until { get; init; }

    /// <summary>The first sample that its scores heard: of the whole window; else of the piece itself.</summary>
    public required long Start { get; init; }

    /// <summary>The sample after the last one that they heard.</summary>
    public required long End { get; init; }

    /// <summary>One score a class, before smoothing; none where no window was scored.</summary>
    public ReadOnlySpan<float> Scores { get; init; }

    /// <summary>The labels of <see cref="Scores"/>, by class.</summary>
    public IReadOnlyList<string> Labels { get; init; }

    /// <summary>The score that opens an event, by class; infinity for a class that makes none.</summary>
    public IReadOnlyList<float> Thresholds { get; init; }

    /// <summary>How unusual the stream sounds; null where nobody asks.</summary>
    public UnusualReading? Unusual { get; init; }

    /// <summary>Whether it stands in the stream's turn: false for a window that is aimed at an activity besides.</summary>
    public bool IsInTurn { get; init; }

    /// <summary>Whether the stream is over.</summary>
    public bool IsEnd { get; init; }
}
