using AstStream.Streaming;

namespace AstStream.Tests.Streaming;

/// <summary>A session whose scores are a sum of a few features, and that takes as long as it is told to.</summary>
internal sealed class SimulatedSession(int labels, int maxBatch = 8, int slots = 1, Action<int>? run = null) : IModelSession
{
    private readonly float[,,] _scores = new float[slots, maxBatch, labels];
    private float[] _features = [];

    public int MaxBatch => maxBatch;

    public IReadOnlyList<int> PaddedSizes { get; init; } = [];

    public int Slots => slots;

    public int NumLabels => labels;

    public string Description => "simulated";

    public IEnumerable<string> Warnings => [];

    public void SetInput(int slot, int row, FeatureWindow window)
    {
        var options = window.Timeline.Options;
        if (_features.Length == 0)
            _features = new float[options.WindowFrames * options.NumMelBins];
        window.CopyTo(_features);
        for (var label = 0; label < labels; label++)
        {
            // Of every label other features: the same window always has the same scores.
            var sum = 0f;
            for (var i = label; i < _features.Length; i += 997)
                sum += _features[i];
            _scores[slot, row, label] = MathF.Abs(sum) % 1;
        }
    }

    public void Run(int slot, int rows) => run?.Invoke(rows);

    public void Read(int slot, int row, Span<float> scores)
    {
        for (var label = 0; label < labels; label++)
            scores[label] = _scores[slot, row, label];
    }

    public void Dispose()
    {
    }
}
