using AstStream.Model;

namespace AstStream.Streaming;

/// <summary>One model, or several whose scores are averaged.</summary>
/// <param name="Checkpoints">The models; they have the same labels and take the same windows.</param>
/// <param name="Configs">What each runs as: its own configuration, or that one with another window.</param>
/// <param name="Activations">How each one's logits become scores.</param>
/// <param name="Options">How they run.</param>
public sealed record ScorerOptions(
    IReadOnlyList<AstCheckpoint> Checkpoints, IReadOnlyList<AstConfig> Configs, IReadOnlyList<ScoreActivation> Activations, AstSessionOptions Options);

/// <summary>Scores windows. An ensemble's scores are averaged behind the activation, as the AST authors average theirs.</summary>
internal sealed class Scorer : IDisposable
{
    private readonly IReadOnlyList<AstSession> _sessions;
    private readonly IReadOnlyList<ScoreActivation> _activations;
    private readonly float[] _own; // one model's scores

    private Scorer(IReadOnlyList<AstSession> sessions, IReadOnlyList<ScoreActivation> activations)
    {
        _sessions = sessions;
        _activations = activations;
        _own = new float[NumLabels];
    }

    public static Scorer Open(ScorerOptions options)
    {
        var sessions = new List<AstSession>();
        try
        {
            for (var i = 0; i < options.Checkpoints.Count; i++)
                sessions.Add(AstSession.Create(options.Checkpoints[i], options.Options with { Config = options.Configs[i] }));
            return new Scorer(sessions, options.Activations);
        }
        catch
        {
            foreach (var session in sessions)
                session.Dispose();
            throw;
        }
    }

    /// <summary>What the sessions passed over or doubt.</summary>
    public IEnumerable<string> Warnings => _sessions.SelectMany(s => s.Warnings).Distinct();

    /// <summary>What each session runs as.</summary>
    public IReadOnlyList<string> Descriptions => [.. _sessions.Select(s => s.ToString())];

    public int NumLabels => _sessions[0].Config.Labels.Count;

    /// <summary>Puts a window of raw log-mel into a row.</summary>
    public void SetInput(int row, ReadOnlySpan<float> features)
    {
        foreach (var session in _sessions)
            features.CopyTo(session.Input(row));
    }

    public void Run(int rows)
    {
        foreach (var session in _sessions)
            session.Run(rows);
    }

    /// <summary>The scores of a row of the last run.</summary>
    public void Read(int row, Span<float> scores)
    {
        scores.Clear();
        for (var i = 0; i < _sessions.Count; i++)
        {
            _sessions[i].Logits(row).CopyTo(_own);
            _activations[i].Apply(_own);
            for (var k = 0; k < scores.Length; k++)
                scores[k] += _own[k] / _sessions.Count;
        }
    }

    public void Dispose()
    {
        foreach (var session in _sessions)
            session.Dispose();
    }
}
