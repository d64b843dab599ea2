namespace AstStream.Learning.Evaluation;

/// <summary>A file that says what is there can't be read: where, what was found, what was expected.</summary>
public sealed class InvalidTruthException(string message) : Exception(message);
