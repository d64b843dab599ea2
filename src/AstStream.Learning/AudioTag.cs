namespace AstStream.Learning;

/// <summary>A label and how sure the model is of it.</summary>
/// <param name="Label">The class name.</param>
/// <param name="Score">0 to 1.</param>
public readonly record struct AudioTag(string Label, float Score);
