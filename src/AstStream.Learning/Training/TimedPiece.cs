using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>A piece of a recording in which it is known what sounds when.</summary>
/// <param name="Begin">Seconds from the recording's beginning.</param>
/// <param name="End">Exclusive end, in seconds; a window later at most.</param>
/// <param name="Labels">What sounds in it long enough to be heard; none for nothing.</param>
/// <param name="Times">When, in seconds from the piece's beginning; of what reaches beyond it the part that is in it.</param>
public sealed record TimedPiece(double Begin, double End, IReadOnlyList<string> Labels, IReadOnlyList<TimedLabel> Times);
