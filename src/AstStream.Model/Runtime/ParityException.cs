namespace AstStream.Model.Runtime;

/// <summary>
/// Scores that are not the reference's; inside the model project, where a rebuilt graph, another precision and a fallback are tried.
/// </summary>
internal sealed class ParityException(string message) : Exception(message);
