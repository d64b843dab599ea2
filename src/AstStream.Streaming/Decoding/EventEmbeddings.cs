using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// Finds the embedding that stands for an event: that of the window in which its label scored highest, a window that is aimed at the sound
/// alone before those that hold other sound besides. Remembers the last windows of a stream, and the best one of each open event.
/// </summary>
internal sealed class EventEmbeddings
{
    private const int Windows = 8; // that are remembered: an event is decided some windows after its sound

    private readonly Dictionary<int, Best> _open = []; // by label
    private Window[] _last = [];
    private int _next;

    /// <summary>Takes a window that was scored. One without an embedding is none of its business.</summary>
    /// <param name="window">The window.</param>
    /// <param name="thresholds">The score that opens an event, by label: an aimed window below it was aimed at another sound.</param>
    /// <param name="unusual">How unusual the stream sounds with it, 0 to 1.</param>
    public void Add(Piece window, IReadOnlyList<float> thresholds, float unusual = 0)
    {
        if (window.Embedding.IsEmpty)
            return;
        if (_last.Length == 0)
            _last = [.. Enumerable.Range(0, Windows).Select(_ => new Window())];
        var at = _last[_next];
        _next = (_next + 1) % Windows;
        at.Take(window, thresholds, unusual);
        foreach (var (label, best) in _open)
        {
            if (at.Rank(label) > best.Rank)
                best.Take(at, label);
        }
    }

    /// <summary>The embedding of an event that closes, for the caller to keep; empty where none is known, and for one that opens.</summary>
    public ReadOnlyMemory<Half> Of(DetectedEvent e)
    {
        if (_last.Length == 0)
            return default;
        if (!_open.Remove(e.Label, out var best))
            best = new Best();
        foreach (var window in _last)
        {
            if (window.End > e.Onset && window.Start < e.Offset && window.Rank(e.Label) > best.Rank)
                best.Take(window, e.Label);
        }

        if (e.State == EventState.Closed)
            return best.Embedding;
        _open[e.Label] = best;
        return default;
    }

    /// <summary>A window: what it was to the model, and what the model made of that.</summary>
    private sealed class Window
    {
        private float[] _scores = [];
        private float _unusual;
        private IReadOnlyList<float> _thresholds = [];
        private bool _isAimed;

        public long Start { get; private set; }

        public long End { get; private set; }

        public Half[] Embedding { get; private set; } = [];

        public void Take(Piece window, IReadOnlyList<float> thresholds, float unusual)
        {
            (Start, End, _isAimed) = (window.Start, window.End, window.Part is not null);
            (_thresholds, _unusual) = (thresholds, unusual);
            if (_scores.Length != window.Scores.Length || Embedding.Length != window.Embedding.Length)
                (_scores, Embedding) = (new float[window.Scores.Length], new Half[window.Embedding.Length]);
            window.Scores.CopyTo(_scores);
            for (var i = 0; i < Embedding.Length; i++)
                Embedding[i] = (Half)window.Embedding[i];
        }

        /// <summary>How well it stands for a label.</summary>
        public float Rank(int label) => label == UnusualDecoder.Class ? _unusual
            : label >= _scores.Length ? 0
            : _scores[label] + (_isAimed && _scores[label] >= _thresholds[label] ? 1 : 0);
    }

    /// <summary>The best window of an event so far.</summary>
    private sealed class Best
    {
        public float Rank { get; private set; }

        public Half[] Embedding { get; private set; } = [];

        public void Take(Window window, int label)
        {
            Rank = window.Rank(label);
            if (Embedding.Length != window.Embedding.Length)
                Embedding = new Half[window.Embedding.Length];
            window.Embedding.CopyTo(Embedding, 0);
        }
    }
}
