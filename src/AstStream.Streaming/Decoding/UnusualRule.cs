using System.IO.Enumeration;
using AstStream.Events.Unusual;

namespace AstStream.Streaming.Decoding;

/// <summary>Which streams are listened to for sound that is unusual of them.</summary>
/// <param name="Folder">Where what is known of each stream is kept; a full path.</param>
/// <param name="Streams">Their names or patterns with *; null for all.</param>
/// <param name="Options">When one sounds unusual.</param>
internal sealed record UnusualRule(string Folder, IReadOnlyList<string>? Streams, UnusualOptions Options)
{
    /// <summary>Equal for those that say the same.</summary>
    public string Fingerprint =>
        FormattableString.Invariant($"{Folder}\n{string.Join('\n', Streams ?? ["*"])}\n{Options.ADay}\n{Options.Learn}");

    /// <summary>Whether a stream is one of those.</summary>
    public bool Has(string stream) => Streams?.Any(p => FileSystemName.MatchesSimpleExpression(p, stream, ignoreCase: false)) != false;
}
