using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Decoding;

/// <summary>What turns one model's scores into events.</summary>
/// <param name="Vocabulary">The class names.</param>
/// <param name="Options">How scores become events; may change while the graph runs.</param>
/// <param name="ModelHash">Tells models apart in the ids of events.</param>
internal sealed record DecodeOptions(Vocabulary Vocabulary, EventOptions Options, string ModelHash)
{
    /// <summary>The class names.</summary>
    public IReadOnlyList<string> Labels => Vocabulary.Labels;

    /// <summary>The class names that are reported, the first ones; those after them rule others out alone. All by default.</summary>
    public IReadOnlyList<string> Reported { get; init; } = Vocabulary.Labels;

    /// <summary>The scores of these alone.</summary>
    public float[] ReportedOf(ReadOnlySpan<float> scores) => scores[..Reported.Count].ToArray();

    /// <summary>What an event is called.</summary>
    public string LabelOf(in DetectedEvent e) => e.Label == UnusualDecoder.Class ? UnusualDecoder.Label : Labels[e.Label];

    /// <summary>The hash of the model in whose shadow it scores; null, the default, for one that reports.</summary>
    public string? ShadowOf { get; init; }

    /// <summary>Whether it scores in the shadow of another one.</summary>
    public bool IsShadow => ShadowOf is not null;

    /// <summary>What a localiser says of windows that are aimed at an activity; null where none is asked.</summary>
    public ColumnLayout? Columns { get; init; }

    /// <summary>Which streams are listened to for unusual sound, and when one sounds so; null for none.</summary>
    public UnusualRule? UnusualRule { get; init; }

    /// <summary>What is known of how they usually sound; where there is such a rule.</summary>
    public UnusualSounds? Unusual { get; init; }

    /// <summary>What stands before each stream's decoder; null for nothing.</summary>
    public DecoderTap? Tap { get; init; }
}
