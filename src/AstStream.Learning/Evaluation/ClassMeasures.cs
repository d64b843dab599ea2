namespace AstStream.Learning.Evaluation;

/// <summary>How well one class is recognised.</summary>
/// <param name="Label">The class.</param>
/// <param name="Clips">Clips that have it.</param>
/// <param name="AveragePrecision">Average precision of its score over all clips.</param>
/// <param name="Auc">The area under its ROC curve.</param>
/// <param name="Recall">Of its clips those whose highest score it has.</param>
/// <param name="Precision">Of the clips whose highest score it has those that have it; not a number where it never has.</param>
/// <param name="TakenFor">The class that its other clips are most often taken for, and how often; null where none is.</param>
public sealed record ClassMeasures(
    string Label, int Clips, double AveragePrecision, double Auc, double Recall, double Precision, (string Label, int Clips)? TakenFor);
