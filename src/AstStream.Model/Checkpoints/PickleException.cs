namespace AstStream.Model.Checkpoints;

/// <summary>A pickle that is broken, or asks for more than a state dict needs. The message has no file name.</summary>
internal sealed class PickleException(string message) : Exception(message);
