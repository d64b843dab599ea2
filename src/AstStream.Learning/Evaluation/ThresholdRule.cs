using System.Globalization;
using AstStream.Learning.Statistics;

namespace AstStream.Learning.Evaluation;

/// <summary>How the score from which on a class is believed is chosen.</summary>
/// <param name="Kind">The rule.</param>
/// <param name="Value">The precision, or the false clips an hour; 0 for F1.</param>
public sealed record ThresholdRule(ThresholdRule.Rule Kind, double Value)
{
    /// <summary>What a rule asks for.</summary>
    public enum Rule
    {
        /// <summary>The lowest score with at least this precision.</summary>
        Precision,

        /// <summary>The score with the highest F1.</summary>
        F1,

        /// <summary>The lowest score with at most so many false clips in an hour of sound.</summary>
        FalsePerHour,
    }

    /// <summary>The rule of a word: precision=0.9, f1 or fp-per-hour=1; null where it is none.</summary>
    public static ThresholdRule? TryParse(string text)
    {
        double? Number(string after, double max) => text.StartsWith(after, StringComparison.Ordinal)
            && double.TryParse(text.AsSpan(after.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n)
            && n >= 0 && n <= max ? n : null;
        return text == "f1" ? new ThresholdRule(Rule.F1, 0)
            : Number("precision=", 1) is { } precision ? new ThresholdRule(Rule.Precision, precision)
            : Number("fp-per-hour=", 1e6) is { } rate ? new ThresholdRule(Rule.FalsePerHour, rate) : null;
    }

    /// <summary>The least score that is not under a threshold: scores have 32 bits, and so has a threshold that is written.</summary>
    /// <param name="threshold">The threshold, 0 to 1.</param>
    public static float AsScore(double threshold)
    {
        var score = (float)threshold;
        return score < threshold ? MathF.BitIncrement(score) : score;
    }

    /// <summary>Chooses a threshold and says what it costs.</summary>
    /// <param name="scores">A score each, 0 to 1.</param>
    /// <param name="isTrue">Whether the class is there.</param>
    /// <param name="hours">Hours of sound in all.</param>
    public ThresholdChoice Choose(ReadOnlySpan<double> scores, ReadOnlySpan<bool> isTrue, double hours)
    {
        var order = Ranking.Descending(scores);
        var there = Ranking.Count(isTrue);

        // 1 where no threshold does: nothing is believed.
        var chosen = new ThresholdChoice(1, double.NaN, 0, 0);
        var (hits, best) = (0, 0.0);
        for (var i = 0; i < order.Length;)
        {
            for (var score = scores[order[i]]; i < order.Length && scores[order[i]].Equals(score); i++)
                hits += isTrue[order[i]] ? 1 : 0;
            var (precision, recall, rate) = (hits / (double)i, hits / (double)there, (i - hits) / hours);
            var fits = Kind switch
            {
                Rule.Precision => precision >= Value,
                Rule.FalsePerHour => rate <= Value,
                _ => 2.0 * hits / (i + there) > best,
            };
            if (!fits || hits == 0)
                continue;
            best = 2.0 * hits / (i + there);
            var below = i < order.Length ? scores[order[i]] : 0;
            chosen = new ThresholdChoice((scores[order[i - 1]] + below) / 2, precision, recall, rate);
        }

        return chosen;
    }
}
