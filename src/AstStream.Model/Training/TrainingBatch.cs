namespace AstStream.Model.Training;

/// <summary>Windows, and what they are to say. A weight of 0 leaves a row, or a label of a row, out.</summary>
public sealed class TrainingBatch
{
    /// <summary>Makes room for a batch.</summary>
    /// <param name="rows">Windows.</param>
    /// <param name="inputs">Numbers of a window: max_length × num_mel_bins.</param>
    /// <param name="labels">Labels.</param>
    /// <param name="loss">The loss.</param>
    /// <param name="columns">Columns of a window, times groups of a localiser that is trained; 0 where none is.</param>
    internal TrainingBatch(int rows, int inputs, int labels, TrainingLoss loss, int columns)
    {
        Inputs = new float[rows * inputs];
        Targets = new float[rows * labels];
        Weights = new float[loss == TrainingLoss.CrossEntropy ? rows : rows * labels];
        ColumnTargets = new float[rows * columns];
        ColumnWeights = new float[rows * columns];
    }

    /// <summary>input_values, [batch, max_length, num_mel_bins].</summary>
    public float[] Inputs { get; }

    /// <summary>[batch, labels], 0 to 1.</summary>
    public float[] Targets { get; }

    /// <summary>What each loss is multiplied by before they are added: [batch, labels]; with cross-entropy [batch].</summary>
    public float[] Weights { get; }

    /// <summary>[batch, columns, groups], 0 to 1; empty where no localiser is trained.</summary>
    public float[] ColumnTargets { get; }

    /// <summary>[batch, columns, groups]; empty where no localiser is trained.</summary>
    public float[] ColumnWeights { get; }
}
