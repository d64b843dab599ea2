using AstStream.Events.Decoding;

namespace AstStream.Streaming.Decoding;

/// <summary>Puts something before the decoder of a stream, which passes on what it is given.</summary>
/// <param name="stream">The stream.</param>
/// <param name="labels">The class names.</param>
/// <param name="decoder">The stream's decoder.</param>
public delegate IEventDecoder DecoderTap(string stream, IReadOnlyList<string> labels, IEventDecoder decoder);
