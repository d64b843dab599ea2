using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;

namespace AstStream.Tests.Streaming;

/// <summary>A session whose scores are a sum of a few features, and that takes as long as it is to.</summary>
internal sealed class SimulatedSession(int labels, int maxBatch = 8, int slots = 1, Action<int>? run = null) : IModelSession
{
    [ThreadStatic]
    private static float[]? t_features;

    private readonly float[,,] _input = new float[slots, maxBatch, labels]; // what the next run will score
    private readonly float[,,] _scores = new float[slots, maxBatch, labels];
    private readonly bool[,] _refused = new bool[slots, maxBatch]; // rows that no run scores

    public int MaxBatch => maxBatch;

    public ModelIdentity Identity { get; init; } = new("hash", "float32", "cpu");

    public double WindowsPerSecond => 0;

    public bool IsFallback { get; init; }

    public bool IsBroken { get; set; }

    /// <summary>Windows that every run fails with; none by default.</summary>
    public Func<Piece, bool> Refuses { get; init; } = _ => false;

    public int Slots => slots;

    public int NumLabels => labels;

    public string Description => "simulated";

    public IEnumerable<string> Warnings => [];

    public int RowsToRun(int rows) => rows;

    public void SetInput(int slot, int row, Piece window)
    {
        _refused[slot, row] = Refuses(window);
        var options = window.Timeline.Options;
        if (t_features?.Length != options.WindowFrames * options.NumMelBins)
            t_features = new float[options.WindowFrames * options.NumMelBins];
        var features = t_features;
        window.CopyTo(features);
        for (var label = 0; label < labels; label++)
        {
            // Of every label other features: the same window always has the same scores.
            var sum = 0f;
            for (var i = label; i < features.Length; i += 997)
                sum += features[i];
            _input[slot, row, label] = MathF.Abs(sum) % 1;
        }
    }

    public void Run(int slot, int rows)
    {
        run?.Invoke(rows);
        for (var row = 0; row < rows; row++)
            if (_refused[slot, row])
                throw new IOException("this one");
        var size = maxBatch * labels;
        Array.Copy(_input, slot * size, _scores, slot * size, rows * labels);
    }

    public void Read(int slot, int row, Piece window)
    {
        var scores = window.ResizeScores(NumLabels);
        for (var label = 0; label < labels; label++)
            scores[label] = _scores[slot, row, label];
    }

    public void Dispose()
    {
    }
}
