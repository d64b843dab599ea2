using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Streaming.Decoding;

/// <summary>What turns one model's scores into events.</summary>
/// <param name="Labels">The class names.</param>
/// <param name="Options">How scores become events; may change while the graph runs.</param>
/// <param name="Model">Stands in events; its hash tells models apart in their ids.</param>
internal sealed record DecodeOptions(IReadOnlyList<string> Labels, EventOptions Options, ModelIdentity Model);
