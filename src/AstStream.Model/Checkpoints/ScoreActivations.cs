namespace AstStream.Model.Checkpoints;

/// <summary>Applies a <see cref="ScoreActivation"/>.</summary>
public static class ScoreActivations
{
    /// <summary>Turns logits into scores in place.</summary>
    public static void Apply(this ScoreActivation activation, Span<float> logits)
    {
        switch (activation)
        {
            case ScoreActivation.Sigmoid:
                foreach (ref var x in logits)
                    x = 1 / (1 + MathF.Exp(-x));
                break;
            case ScoreActivation.Softmax:
                var max = float.NegativeInfinity;
                foreach (var x in logits)
                    max = MathF.Max(max, x);
                var sum = 0f;
                foreach (ref var x in logits)
                {
                    x = MathF.Exp(x - max);
                    sum += x;
                }

                foreach (ref var x in logits)
                    x /= sum;
                break;
            case ScoreActivation.None:
            default:
                break;
        }
    }
}
