using AstStream.Events;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Scores windows with ONNX Runtime. An ensemble's scores are averaged after the activation, as the AST authors average theirs.
/// </summary>
internal sealed class Scorer : IModelSession
{
    private readonly IReadOnlyList<AstSession> _sessions;
    private readonly IReadOnlyList<ScoreActivation> _activations;
    private readonly float[] _own; // one model's scores
    private readonly bool _places; // the first session says when labels sound
    private readonly bool _embeds; // and gives what it makes the logits of

    private Scorer(IReadOnlyList<AstSession> sessions, ScorerOptions models)
    {
        _sessions = sessions;
        _activations = models.Activations;
        (_places, _embeds) = (models.Places, models.Embeds);
        _own = new float[NumLabels];
        MaxBatch = sessions.Min(s => s.MaxBatch);
        var first = sessions[0];
        Identity = new ModelIdentity(
            models.Hash, first.UsesTf32 ? "tf32" : first.Precision.Word(), first.Providers[0].Word());
    }

    /// <summary>Opens the models.</summary>
    public static Scorer Open(ScorerOptions models, AstSessionOptions options)
    {
        // On a GPU, filling a batch takes a good part of the time that its run takes: the next one is filled meanwhile.
        options = options with { Slots = options.Providers.All(p => p == ExecutionProvider.Cpu) ? 1 : 2 };
        var sessions = new List<AstSession>();
        try
        {
            for (var i = 0; i < models.Checkpoints.Count; i++)
                sessions.Add(AstSession.Create(models.Checkpoints[i], options with
                {
                    Config = models.Configs[i],
                    Outputs = i > 0 ? AstOutputs.Logits
                        : (models.Places ? AstOutputs.Columns : 0) | (models.Embeds ? AstOutputs.PoolerOutput : 0),
                }));
            return new Scorer(sessions, models) { Slots = options.Slots };
        }
        catch
        {
            foreach (var session in sessions)
                session.Dispose();
            throw;
        }
    }

    public int MaxBatch { get; }

    public ModelIdentity Identity { get; }

    public double WindowsPerSecond =>
        _sessions.Min(s => s.WindowsPerSecond) > 0 ? 1 / _sessions.Sum(s => 1 / s.WindowsPerSecond) : 0; // one after the other

    public bool IsFallback => _sessions.Any(s => s.IsFallback);

    public bool IsBroken => _sessions.Any(s => s.IsBroken);

    public int Slots { get; private init; }

    public int NumLabels => _sessions[0].Config.Labels.Count;

    public string Description => string.Join("; ", _sessions);

    public IEnumerable<string> Warnings => _sessions.SelectMany(s => s.Warnings).Distinct();

    public int RowsToRun(int rows) => _sessions[0].RowsToRun(rows);

    public void SetInput(int slot, int row, Piece window)
    {
        foreach (var session in _sessions)
        {
            window.CopyTo(session.Input(row, slot));
            session.InputReady(row, slot);
        }
    }

    public void Run(int slot, int rows)
    {
        foreach (var session in _sessions)
            session.Run(rows, slot);
    }

    public void Read(int slot, int row, Piece window)
    {
        var scores = window.ResizeScores(NumLabels);
        scores.Clear();
        for (var i = 0; i < _sessions.Count; i++)
        {
            _sessions[i].Logits(row, slot).CopyTo(_own);
            _activations[i].Apply(_own);
            for (var k = 0; k < scores.Length; k++)
                scores[k] += _own[k] / _sessions.Count;
        }

        if (_places && window.Part is not null)
        {
            var columns = _sessions[0].Columns(row, slot);
            columns.CopyTo(window.ResizeColumns(columns.Length));
        }

        if (_embeds)
        {
            var embedding = _sessions[0].Embedding(row, slot);
            embedding.CopyTo(window.ResizeEmbedding(embedding.Length));
        }
    }

    public void Dispose()
    {
        foreach (var session in _sessions)
            session.Dispose();
    }
}
