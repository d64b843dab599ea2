using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>An output of a session and where it is written.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Shape">Its shape, without the batch.</param>
/// <param name="Buffer">A row a window, at an address that does not change.</param>
internal sealed record SessionOutput(AstOutputs Kind, string Name, int[] Shape, HostBuffer Buffer);
