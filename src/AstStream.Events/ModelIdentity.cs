namespace AstStream.Events;

/// <summary>A model as events name it.</summary>
/// <param name="Hash">The checkpoint's hash.</param>
/// <param name="Precision">The precision of its products.</param>
/// <param name="Provider">What it runs on.</param>
public sealed record ModelIdentity(string Hash, string Precision, string Provider);
