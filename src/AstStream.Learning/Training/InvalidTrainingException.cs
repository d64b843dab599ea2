namespace AstStream.Learning.Training;

/// <summary>Clips that no model can be trained on. The message says what was found, what was expected and what to do.</summary>
public sealed class InvalidTrainingException(string message) : Exception(message);
