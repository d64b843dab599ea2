namespace AstStream.Learning.Statistics;

/// <summary>
/// Mean and standard deviation of log-mel over any number of clips, which a model's input is normalised by: (x - mean) / (2 · std). As the
/// AST authors' get_norm_stats has them: each clip cut or padded with 0 to the model's window, the unbiased deviation of each 1,000 clips
/// in their order, and the mean over these thousands; and besides over all frames at once, without padding.
/// </summary>
/// <param name="window">Frames of the model's window, 1 or more.</param>
/// <param name="bins">Mel bins of a frame.</param>
public sealed class FeatureStatistics(int window, int bins)
{
    private const int BatchClips = 1000;

    private readonly List<(double Mean, double Std)> _batches = [];
    private Moments _batch; // padded
    private Moments _all; // not padded
    private int _batchClips;

    /// <summary>Clips.</summary>
    public long Clips { get; private set; }

    /// <summary>Frames of sound in them, without padding.</summary>
    public long Frames => _all.Count / bins;

    /// <summary>Over clips that are padded to the window, as a model is trained on them.</summary>
    public (double Mean, double Std) Padded
    {
        get
        {
            List<(double Mean, double Std)> batches = _batchClips > 0 ? [.. _batches, (_batch.Mean, _batch.Std)] : _batches;
            return (batches.Average(b => b.Mean), batches.Average(b => b.Std));
        }
    }

    /// <summary>Over the frames of sound alone.</summary>
    public (double Mean, double Std) Unpadded => (_all.Mean, _all.Std);

    /// <summary>Takes a clip.</summary>
    /// <param name="frames">Its log-mel, [frames, bins]; of more than a window, the first window counts.</param>
    public void Add(ReadOnlySpan<float> frames)
    {
        var heard = frames[..Math.Min(frames.Length, window * bins)];
        _all.Add(heard);
        _batch.Add(heard);
        _batch.AddZeros((window * bins) - heard.Length);
        Clips++;
        if (++_batchClips < BatchClips)
            return;
        _batches.Add((_batch.Mean, _batch.Std));
        (_batch, _batchClips) = (default, 0);
    }

    /// <summary>Sums around a value that is near the mean, so that no digits are lost in the difference of their squares.</summary>
    private struct Moments
    {
        private const double Near = -5; // of log-mel

        private double _sum;
        private double _squares;

        public long Count { get; private set; }

        public readonly double Mean => Near + (_sum / Count);

        public readonly double Std => Math.Sqrt(Math.Max(0, _squares - (_sum * _sum / Count)) / (Count - 1));

        public void Add(ReadOnlySpan<float> values)
        {
            foreach (var value in values)
            {
                var off = value - Near;
                _sum += off;
                _squares += off * off;
            }

            Count += values.Length;
        }

        public void AddZeros(long count)
        {
            _sum += count * -Near;
            _squares += count * Near * Near;
            Count += count;
        }
    }
}
