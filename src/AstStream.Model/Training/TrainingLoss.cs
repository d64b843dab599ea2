namespace AstStream.Model.Training;

/// <summary>What is made small.</summary>
public enum TrainingLoss
{
    /// <summary>Binary cross-entropy of each label: labels may sound together.</summary>
    BinaryCrossEntropy,

    /// <summary>Cross-entropy of a clip's one label.</summary>
    CrossEntropy,
}
