using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>How good a model is on some clips.</summary>
/// <param name="Report">How well the learnt labels are told.</param>
/// <param name="Scores">Their scores, by clip.</param>
/// <param name="Loss">The mean loss of what is learnt.</param>
/// <param name="Places">
/// F1 of the localiser's columns, at a logit of 0, of labels that are in a clip and have times; NaN where there are none.
/// </param>
/// <param name="Tops">Of each clip the kept label with the highest score; -1 where none is kept.</param>
internal sealed record Measured(ClipReport Report, float[][] Scores, double Loss, double Places, int[] Tops);
